package enginetest

import (
	"context"

	"github.com/spanloom/spanloom/engine"
)

// maps has maps over each kind of step.
var maps = []func() *Case{
	scene("map of a node", one([]int{1, 2, 3}), func(*stage) *mapper { return over(inc) }),
	scene("map of nothing", one([]int{}), func(*stage) *mapper { return over(inc) }),
	scene("map of nil", one([]int(nil)), func(*stage) *mapper { return over(inc) }),
	scene("map of one item", one([]int{4}), func(*stage) *mapper { return over(inc) }),
	scene("map of a pipeline", one([]int{1, 2}), func(*stage) *mapper {
		return over[int, int](engine.Define("inner", func(g *graph, n num) num { return engine.Add(g, double, engine.Add(g, inc, n)) }))
	}),
	scene("map of a branch", one([]int{1, 2}), func(*stage) *mapper { return over(parity) }),
	scene("map of a loop", one([]int{2, 6}), func(*stage) *mapper { return over(grow) }),
	scene("map of a map", one([][]int{{1}, {}, {2, 3}}), func(*stage) *engine.Pipeline[[][]int, []int] {
		return over[[]int, int](engine.Define("inner", func(g *graph, l list) num { return engine.Add(g, total, engine.Map(g, inc, l)) }))
	}),
	scene("map after a map", one([]int{1, 2}), func(*stage) *mapper {
		return engine.Define("p", func(g *graph, l list) list { return engine.Map(g, double, engine.Map(g, inc, l)) })
	}),
	scene("map with a bound", one([]int{1, 2, 3, 4}), func(*stage) *mapper { return over(inc, engine.WithConcurrency(2)) }),
	scene("two items at the same time", one([]int{1, 2}), func(s *stage) *mapper {
		return over(engine.Node("meets", func(ctx context.Context, n int) (int, error) { return n, s.meet(ctx, "", 2) }))
	}, needs(Parallel)),
	scene("map with a second value", one([]int{1, 2}), func(*stage) *mapper {
		return engine.Define("p", func(g *graph, l list) list { return engine.Map2(g, add, l, engine.Add(g, total, l)) })
	}),
	scene("map of a pair of values", one([]int{1, 2}), func(*stage) *mapper {
		minus := of("diff", node("minus", func(p engine.Pair[int, int]) int { return p.First - p.Second }))
		return engine.Define("p", func(g *graph, l list) list {
			return engine.Map2(g, engine.Paired(minus), l, engine.Add(g, total, l))
		})
	}),
	scene("map marks values", one([]int{1, 2}), func(*stage) *mapper {
		return over(engine.Node("count", func(ctx context.Context, n int) (int, error) {
			engine.Metric(ctx, "rows", float64(n))
			return n, nil
		}))
	}),
	scene("map emits", one([]int{1, 2}), func(*stage) *mapper {
		return over(engine.Node("talk", func(ctx context.Context, n int) (int, error) {
			engine.Emit(ctx, n)
			return n, nil
		}))
	}),
}
