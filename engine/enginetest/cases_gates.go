package enginetest

import (
	"context"

	"github.com/spanloom/spanloom/engine"
)

// gate passes positive numbers, stops the pipeline for 0 and the run for others.
var gate = engine.Gate("gate", func(_ context.Context, n int) (engine.Decision, error) {
	switch {
	case n > 0:
		return engine.Pass, nil
	case n == 0:
		return engine.StopPipeline, nil
	default:
		return engine.StopRun, nil
	}
})

// gated runs a node behind a gate.
var gated = engine.Define("gated", func(g *graph, n num) num { return engine.Add(g, inc, engine.Add(g, gate, n)) })

// needed uses the result of a gated pipeline, and unneeded does not.
var (
	needed = engine.Define("p", func(g *graph, n num) num {
		return engine.Add(g, double, engine.Add(g, gated, n))
	})
	unneeded = engine.Define("p", func(g *graph, n num) num {
		engine.Add(g, double, engine.Add(g, gated, n))
		return engine.Add(g, inc, n)
	})
)

// gates has gates that pass and stop.
var gates = []func() *Case{
	scene("gate that passes", one(4), func(*stage) *pipeline { return needed }),
	scene("gate that stops what is needed", one(0), func(*stage) *pipeline { return needed }, wraps(engine.ErrStopped)),
	scene("gate that stops what is not needed", one(0), func(*stage) *pipeline { return unneeded }),
	scene("gate that stops the run", one(-1), func(*stage) *pipeline { return needed }, wraps(engine.ErrStopped)),
	scene("gate that stops items", one([]int{2, 0, 4}), func(*stage) *mapper { return over[int, int](gated) }),
	scene("mapped gate", one([]int{0, 1}), func(*stage) *mapper { return over(gate) }),
	scene("gate that stops what runs", one(0), func(s *stage) *pipeline {
		late := engine.Gate("late", func(ctx context.Context, _ int) (engine.Decision, error) {
			return engine.StopPipeline, s.meet(ctx, "", 2)
		})
		inner := engine.Define("inner", func(g *graph, n num) num {
			engine.Add(g, s.waits("waits", 2), n)
			return engine.Add(g, late, n)
		})
		return engine.Define("p", func(g *graph, n num) num {
			engine.Add(g, inner, n)
			return engine.Add(g, inc, n)
		})
	}, needs(Parallel)),
	scene("gate that decides nothing", one(0), func(*stage) *pipeline {
		return of("p", engine.Gate("undecided", func(context.Context, int) (engine.Decision, error) { return 0, nil }))
	}),
	scene("gate that fails", one(0), func(*stage) *pipeline {
		return of("p", engine.Gate("broken", func(context.Context, int) (engine.Decision, error) { return engine.Pass, errBroken }))
	}, wraps(errBroken)),
	scene("gate in a branch", one(0), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			engine.Add(g, double, engine.Add(g, engine.Branch("choose", func(context.Context, int) (engine.Step[int, int], error) { return gated, nil }, gated, half), n))
			return n
		})
	}),
	scene("gate in a loop", one(0), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			engine.Add(g, double, engine.Add(g, engine.Loop("rounds", gated, large, 3), n))
			return n
		})
	}),
}
