package metrics

import (
	"sync"
	"testing"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
)

// TestBlocksAreCacheLines holds that no block is on two lines, and none shares one.
func TestBlocksAreCacheLines(t *testing.T) {
	t.Parallel()
	list := make(blocks, 2)
	for shard := range list {
		for place := range uint32(maxSeries) {
			at := address(unsafe.Pointer(list.at(shard, place)))
			if at%cacheLine != 0 {
				t.Fatalf("place %d of shard %d is at %#x", place, shard, at)
			}
		}
	}
	if size := unsafe.Sizeof(block{}); size != cacheLine {
		t.Errorf("a block has %d bytes", size)
	}
}

// TestSettle counts with words that are nearly full, and reads meanwhile: what is
// active is right at any time, and nothing of the rest ever gets less.
func TestSettle(t *testing.T) {
	t.Parallel()
	const workers, each = 4, 5_000
	for _, c := range []struct {
		name  string
		begun int64
		brief uint64
	}{
		{"waits", lower/2 - 5000, 0},
		{"sum", 0, lower/2 - 5000*uint64(ms)},
		{"count", 0, (1<<23 - 5000) << upper},
		{"all", lower/2 - 10, (1<<23-10)<<upper | lower/2 - uint64(ms)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			root := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
			cc := &callbacks.CallbackContext{}
			root.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
			node := func() {
				m.OnNodeStart(cc, callbacks.NodeStart{})
				m.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}})
			}
			node()
			b := m.blocks.at(shardOf(cc, m.shards), m.nodes.ofNode(cc).number)
			q := b.queue.Load()
			b.begun.Store(c.begun)
			b.brief.Store(c.brief)
			var wasSum time.Duration
			var wasWaits, wasCount uint64
			read := func() {
				m.moving.Lock()
				defer m.moving.Unlock()
				var sum time.Duration
				var counts [16]uint64
				b.read(&sum, counts[:])
				waits := b.waited() + q.buckets[0].Load()
				if active := b.active(); active < 0 || active > workers || sum < wasSum || waits < wasWaits || counts[0] < wasCount {
					t.Errorf("active %d, sum %v after %v, waits %d after %d, count %d after %d", active, sum, wasSum, waits, wasWaits, counts[0], wasCount)
				}
				wasSum, wasWaits, wasCount = sum, waits, counts[0]
			}
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for range each {
						node()
					}
				})
			}
			done := make(chan struct{})
			go func() { all.Wait(); close(done) }()
			for running := true; running; read() {
				select {
				case <-done:
					running = false
				default:
				}
			}
			want := uint64(workers * each)
			if got := wasWaits - uint64(c.begun); got != want {
				t.Errorf("%d waits, want %d", got, want)
			}
			if got := wasCount - c.brief>>upper; got != want {
				t.Errorf("%d durations, want %d", got, want)
			}
			if got := wasSum - time.Duration(c.brief&lower); got != workers*each*ms {
				t.Errorf("their sum is %v, want %v", got, workers*each*ms)
			}
			if b.active() != 0 || b.begun.Load()&fullBegun != 0 || b.brief.Load()&fullBrief != 0 {
				t.Errorf("%d are active, %x and %x are left", b.active(), b.begun.Load(), b.brief.Load())
			}
		})
	}
}

// TestEndAlone holds that an end counts that is heard without its start.
func TestEndAlone(t *testing.T) {
	t.Parallel()
	m, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	cc := &callbacks.CallbackContext{}
	callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}}).
		Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
	m.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: time.Hour, Result: callbacks.ResultSuccess}})
	if n := m.total(m.nodeActive.all()[0]); n != -1 {
		t.Errorf("%d are active", n)
	}
	data, ok := m.histograms(m.nodeDuration, time.Now()).(metricdata.Histogram[float64])
	if !ok || data.DataPoints[0].Count != 1 || data.DataPoints[0].Sum != 3600 || data.DataPoints[0].BucketCounts[15] != 1 {
		t.Errorf("the durations are %+v", data)
	}
}

// TestGroups holds that no group gets many nodes, however far apart these are.
func TestGroups(t *testing.T) {
	t.Parallel()
	d := newDirectory(nodeGroups)
	for apart := uint64(128); apart <= 1<<20; apart *= 2 {
		for _, odd := range []uint64{0, 16, 64} {
			counts, most := map[*group]int{}, 0
			for i := range uint64(maxSeries) {
				g, first := d.find(0xc000123480, 0xc000400000+i*(apart+odd))
				if first >= groupSize {
					t.Fatalf("to begin at %d", first)
				}
				counts[g]++
				most = max(most, counts[g])
			}
			if most > groupSize {
				t.Errorf("nodes %d bytes apart: %d in a group", apart+odd, most)
			}
		}
	}
}
