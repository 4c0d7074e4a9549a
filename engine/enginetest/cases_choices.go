package enginetest

import (
	"context"

	"github.com/spanloom/spanloom/engine"
)

var (
	// parity halves even numbers, and for odd ones runs a pipeline.
	parity = engine.Branch("parity", func(_ context.Context, n int) (engine.Step[int, int], error) {
		if n%2 == 0 {
			return half, nil
		}
		return triple, nil
	}, half, triple)
	half   = node("half", func(n int) int { return n / 2 })
	triple = of("triple", node("more", func(n int) int { return 3*n + 1 }))

	// grow doubles until 10 is reached, three times at most.
	grow  = engine.Loop("grow", double, large, 3)
	large = func(_ context.Context, n int) (bool, error) { return n >= 10, nil }
)

// choices has branches and loops.
var choices = []func() *Case{
	scene("branch to a node", one(8), func(*stage) *pipeline { return of("p", parity) }),
	scene("branch to a pipeline", one(5), func(*stage) *pipeline { return of("p", parity) }),
	scene("branch that fails to choose", one(5), func(*stage) *pipeline {
		return of("p", engine.Branch("choose", func(context.Context, int) (engine.Step[int, int], error) { return nil, errBroken }, half))
	}, wraps(errBroken)),
	scene("branch to a step that is not its own", one(5), func(*stage) *pipeline {
		return of("p", engine.Branch("choose", func(context.Context, int) (engine.Step[int, int], error) { return inc, nil }, half, triple))
	}),
	scene("failure in a branch", one(5), func(*stage) *pipeline {
		return of("p", engine.Branch("choose", func(context.Context, int) (engine.Step[int, int], error) { return odd, nil }, odd, half))
	}, wraps(errBroken)),
	scene("loop of one round", one(6), func(*stage) *pipeline { return of("p", grow) }),
	scene("loop of three rounds", one(2), func(*stage) *pipeline { return of("p", grow) }),
	scene("loop that reaches its bound", one(1), func(*stage) *pipeline { return of("p", grow) }),
	scene("loop of a branch", one(5), func(*stage) *pipeline {
		return of("p", engine.Loop("collatz", parity, func(_ context.Context, n int) (bool, error) { return n == 4, nil }, 9))
	}),
	scene("loop of a map", one([]int{1, 3}), func(*stage) *mapper {
		doubled := engine.Define("doubled", func(g *graph, l list) list { return engine.Map(g, double, l) })
		return of("p", engine.Loop("rounds", doubled, func(_ context.Context, l []int) (bool, error) { return l[0] >= 4, nil }, 5))
	}),
	scene("loop of a loop", one(1), func(*stage) *pipeline {
		inner := engine.Loop("inner", inc, func(_ context.Context, n int) (bool, error) { return n%3 == 0, nil }, 5)
		return of("p", engine.Loop("outer", inner, func(_ context.Context, n int) (bool, error) { return n > 3, nil }, 5))
	}),
	scene("failure in the second round", one(2), func(*stage) *pipeline {
		step := engine.Node("step", func(_ context.Context, n int) (int, error) {
			if n == 3 {
				return 0, errBroken
			}
			return n + 1, nil
		})
		return of("p", engine.Loop("rounds", step, large, 5))
	}, wraps(errBroken)),
	scene("failure of the condition", one(2), func(*stage) *pipeline {
		return of("p", engine.Loop("rounds", inc, func(context.Context, int) (bool, error) { return true, errBroken }, 5))
	}, wraps(errBroken)),
}
