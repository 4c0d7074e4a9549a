package metrics_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/metrics"
)

// flood calls the hooks of runs of one node each, with names that were never
// there before, and returns what is in the heap afterwards.
func flood(m *metrics.Callback, from, to int) (heap uint64) {
	pipeline := &callbacks.Node{Name: "p"}
	for i := from; i < to; i++ {
		name := fmt.Sprintf("n%d", i)
		if i%2 == 0 {
			pipeline = &callbacks.Node{Name: name}
		}
		root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: pipeline})
		m.OnPipelineStart(root, callbacks.PipelineStart{})
		cc := &callbacks.CallbackContext{}
		root.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: name}, Index: -1, Attempt: 1})
		m.OnNodeStart(cc, callbacks.NodeStart{Cache: &callbacks.CacheLookup{}})
		m.OnNodeRetry(cc, callbacks.NodeRetry{Err: named(name)})
		m.OnError(cc, callbacks.Failure{Err: named(name), Result: callbacks.ResultFailure})
		m.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultFailure, Err: named(name)}})
		m.OnNodeCached(cc, callbacks.NodeCached{Saved: ms})
		m.OnMapItemStart(cc, callbacks.MapItemStart{})
		m.OnMapItemEnd(cc, callbacks.MapItemEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}})
		m.OnPipelineEnd(root, callbacks.PipelineEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultFailure, Err: named(name)}})
	}
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// TestCardinality gives a million different names of nodes, pipelines and errors
// (row T26 of the project's reliability table).
func TestCardinality(t *testing.T) {
	total := 1_000_000
	if testing.Short() || raced {
		total = 50_000
	}
	m := open(t)
	early := flood(m, 0, total/2)
	late := flood(m, total/2, total)
	if grown := int64(late) - int64(early); grown > 1<<20 {
		t.Errorf("the heap has grown by %d KiB from %d to %d names", grown>>10, total/2, total)
	}
	most := map[string]int64{}
	for name, one := range produce(t, m) {
		series, count, overflow := 0, int64(0), int64(-1)
		add := func(set attribute.Set, n int64) {
			series++
			count += n
			if v, ok := set.Value("otel.metric.overflow"); ok && v.AsBool() && set.Len() == 1 {
				overflow = n
			}
		}
		switch data := one.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, p.Value)
			}
		case metricdata.Sum[float64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, int64(p.Value*1000+0.5))
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				add(p.Attributes, int64(p.Count))
			}
		}
		if series > 2000 || overflow < 0 {
			t.Errorf("%s has %d series; overflow %d", name, series, overflow)
		}
		most[name] = count
	}
	n := int64(total)
	want := map[string]int64{
		"spanloom.pipeline.run.duration": n, "spanloom.pipeline.run.active": 0,
		"spanloom.node.duration": 2 * n, "spanloom.node.active": 0, "spanloom.node.retries": n, "spanloom.errors": n,
		"spanloom.node.queue.duration": 2 * n, "spanloom.map.item.duration": n, "spanloom.map.item.active": 0,
		"spanloom.cache.lookups": 2 * n, "spanloom.cache.saved.duration": n,
	}
	for name, n := range want {
		if most[name] != n {
			t.Errorf("%s: %d in all series, want %d", name, most[name], n)
		}
	}
	runtime.KeepAlive(m)
}

// TestManyPipelinesOfTheSameName makes pipelines without end, as a program does
// that defines one for each request.
func TestManyPipelinesOfTheSameName(t *testing.T) {
	m := open(t)
	same := func(n int) (heap uint64) {
		for range n {
			root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
			m.OnPipelineStart(root, callbacks.PipelineStart{})
			m.OnPipelineEnd(root, callbacks.PipelineEnd{End: callbacks.End{Result: callbacks.ResultSuccess}})
		}
		return flood(m, 0, 0)
	}
	early := same(10_000)
	if late := same(90_000); int64(late)-int64(early) > 1<<20 {
		t.Errorf("the heap has grown from %d to %d", early, late)
	}
	got := points(t, m)
	if n := got["spanloom.pipeline.run.duration spanloom.pipeline.name=p,spanloom.result=success"].count; n != 100_000 {
		t.Errorf("%d runs, want 100000", n)
	}
}

// TestAllocations holds that nothing is allocated for a node.
func TestAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	m := open(t)
	nodes := make([]*callbacks.Node, 1000)
	for i := range nodes {
		nodes[i] = &callbacks.Node{Name: fmt.Sprint("n", i)}
	}
	root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	contexts := make([]callbacks.CallbackContext, len(nodes))
	for i := range contexts {
		root.Begin(&contexts[i], callbacks.Scope{Kind: callbacks.KindNode, Node: nodes[i], Index: -1, Attempt: 1})
	}
	looked := &callbacks.CacheLookup{}
	got := testing.AllocsPerRun(10, func() {
		for i := range contexts {
			cc := &contexts[i]
			m.OnNodeStart(cc, callbacks.NodeStart{Cache: looked})
			m.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}, Cache: looked})
			m.OnNodeCached(cc, callbacks.NodeCached{Saved: ms})
			m.OnMapItemStart(cc, callbacks.MapItemStart{})
			m.OnMapItemEnd(cc, callbacks.MapItemEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}})
		}
	})
	if got != 0 {
		t.Errorf("%v allocations for 1,000 nodes", got)
	}
}
