package metrics

import (
	"sync"
	"testing"
	"time"
	"unsafe"
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
	const workers, each = 4, 20_000
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
			q := &distribution{}
			b := &block{}
			b.queue.Store(q)
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
						if b.begun.Add(one+1)&fullBegun != 0 {
							m.settle(b)
						}
						b.begun.Add(-one)
						if b.brief.Add(one|uint64(ms))&fullBrief != 0 {
							m.settle(b)
						}
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

// TestGroups holds that no group gets many nodes, however far apart these are.
func TestGroups(t *testing.T) {
	t.Parallel()
	p := newPlaces(nodeGroups)
	for apart := uint64(128); apart <= 1<<20; apart *= 2 {
		for _, odd := range []uint64{0, 16, 64} {
			counts, most := map[*group]int{}, 0
			for i := range uint64(maxSeries) {
				g, first := p.find(0xc000123480, 0xc000400000+i*(apart+odd))
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
