package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// The workloads W1 to W5. Each benchmark reports the time and the allocations
// of a run divided by its nodes, items or leaves.

func increment(_ context.Context, n int) (int, error) { return n + 1, nil }

func chain(nodes int) *engine.Pipeline[int, int] {
	return engine.Define("chain", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for i := range nodes {
			v = engine.Add(g, engine.Node(fmt.Sprint("n", i), increment), v)
		}
		return v
	})
}

func sum(_ context.Context, list []int) (int, error) {
	total := 0
	for _, n := range list {
		total += n
	}
	return total, nil
}

func fanOut(nodes int) *engine.Pipeline[int, int] {
	return engine.Define("fan", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		root := engine.Add(g, engine.Node("root", increment), in)
		var all []engine.Value[int]
		for i := range nodes {
			all = append(all, engine.Add(g, engine.Node(fmt.Sprint("n", i), increment), root))
		}
		return engine.Add(g, engine.Node("join", sum), engine.Collect(g, all...))
	})
}

func mapItems() *engine.Pipeline[[]int, []int] {
	return engine.Define("map", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("item", increment), in)
	})
}

func nested(pipelines, leaves int) *engine.Pipeline[int, int] {
	inner := engine.Define("inner", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for i := range leaves {
			v = engine.Add(g, engine.Node(fmt.Sprint("leaf", i), increment), v)
		}
		return v
	})
	return engine.Define("nested", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for i := range pipelines {
			v = engine.Add(g, inner, v, engine.WithName(fmt.Sprint("p", i)))
		}
		return v
	})
}

func layers(depth, width int) *engine.Pipeline[int, int] {
	return engine.Define("layers", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		before := engine.Collect(g, in)
		for l := range depth {
			var row []engine.Value[int]
			for i := range width {
				row = append(row, engine.Add(g, engine.Node(fmt.Sprintf("n%d.%d", l, i), sum), before))
			}
			before = engine.Collect(g, row...)
		}
		return engine.Add(g, engine.Node("last", sum), before)
	})
}

func benchmark[I, O any](b *testing.B, p *engine.Pipeline[I, O], in I, nodes int, cfg engine.Config) {
	b.Helper()
	if err := p.Err(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(context.Background(), in, cfg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(nodes), "ns/node")
}

func BenchmarkW1(b *testing.B) {
	benchmark(b, chain(1000), 0, 1000, engine.Config{})
}

func BenchmarkW1Small(b *testing.B) {
	benchmark(b, chain(10), 0, 10, engine.Config{})
}

func BenchmarkW1Listeners(b *testing.B) {
	node := func(*callbacks.CallbackContext, callbacks.NodeEnd) {}
	for name, cb := range map[string]callbacks.PipelineCallback{
		"uninterested": callbacks.Funcs{},
		"all-untimed":  untimed{},
		"all-timed":    callbacks.Base{},
		"ids":          callbacks.Funcs{NodeEnd: func(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) { cc.SpanID() }},
		"node-end":     callbacks.Funcs{NodeEnd: node},
	} {
		b.Run(name, func(b *testing.B) {
			benchmark(b, chain(1000), 0, 1000, engine.Config{Callbacks: []callbacks.PipelineCallback{cb}})
		})
	}
}

type untimed struct{ callbacks.Base }

func (untimed) Hooks() callbacks.Hook { return callbacks.AllHooks &^ callbacks.Times }

func BenchmarkW2(b *testing.B) {
	benchmark(b, fanOut(1000), 0, 1002, engine.Config{})
}

func BenchmarkW3(b *testing.B) {
	benchmark(b, mapItems(), make([]int, 100_000), 100_000, engine.Config{})
}

func BenchmarkW4(b *testing.B) {
	benchmark(b, nested(50, 4), 0, 200, engine.Config{})
}

func BenchmarkW5(b *testing.B) {
	benchmark(b, layers(32, 32), 0, 1024, engine.Config{})
}
