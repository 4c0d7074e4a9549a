package enginetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/spanloom/spanloom/engine"
)

var errGone = errors.New("the user went home")

// failures has nodes that fail, one way or another, and what becomes of the
// others.
var failures = []func() *Case{
	scene("error", one(3), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, double, engine.Add(g, fails("broken", errBroken), engine.Add(g, inc, n)))
		})
	}, wraps(errBroken)),
	scene("wrapped error", one(3), func(*stage) *pipeline {
		return of("p", fails("broken", fmt.Errorf("step 2: %w", errBroken)))
	}, wraps(errBroken)),
	scene("error with a type of its own", one(3), func(*stage) *pipeline {
		return of("p", fails("ask", fmt.Errorf("ask: %w", &quotaError{"ann"})))
	}),
	scene("error of a context of its own", one(3), func(*stage) *pipeline {
		return of("p", fails("query", fmt.Errorf("query: %w", context.Canceled)))
	}, wraps(context.Canceled)),
	scene("panic", one(3), func(*stage) *pipeline {
		return of("p", engine.Node("panics", func(context.Context, int) (int, error) { panic("broken") }))
	}),
	scene("panic with an error", one(3), func(*stage) *pipeline {
		return of("p", engine.Node("panics", func(context.Context, int) (int, error) { panic(errBroken) }))
	}, wraps(errBroken)),
	scene("panic with nil", one(3), func(*stage) *pipeline {
		return of("p", engine.Node("panics", func(context.Context, int) (int, error) { panic(nil) }))
	}),
	scene("panic of the runtime", one(0), func(*stage) *pipeline {
		return of("p", node("divide", func(n int) int { return 1 / n }))
	}),
	scene("goexit", one(3), func(*stage) *pipeline {
		return of("p", engine.Node("exits", func(context.Context, int) (int, error) {
			runtime.Goexit()
			return 0, nil
		}))
	}, needs(Goexit), func(c *Case) { c.silent = true }),
	scene("error in a nested pipeline", one(3), func(*stage) *pipeline {
		inner := of("inner", of("innermost", fails("broken", errBroken)))
		return engine.Define("p", func(g *graph, n num) num { return engine.Add(g, inc, engine.Add(g, inner, n)) })
	}, wraps(errBroken)),
	scene("error beside a node", one(3), func(s *stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			a := engine.Add(g, s.waits("waits", 2), n)
			return engine.Add2(g, add, a, engine.Add(g, s.failsLate("fails", 2, errBroken), n))
		})
	}, needs(Parallel), wraps(errBroken)),
	scene("error beside a nested pipeline", one(3), func(s *stage) *pipeline {
		inner := of("inner", s.waits("waits", 2))
		return engine.Define("p", func(g *graph, n num) num {
			a := engine.Add(g, inner, n)
			return engine.Add2(g, add, a, engine.Add(g, s.failsLate("fails", 2, errBroken), n))
		})
	}, needs(Parallel), wraps(errBroken)),
	scene("error in an item beside another", one([]int{0, 1}), func(s *stage) *mapper { return over(s.oneFails()) },
		needs(Parallel), wraps(errBroken)),
	scene("error in a pipeline's item beside another", one([]int{0, 1}), func(s *stage) *mapper {
		return over[int, int](of("inner", s.oneFails()))
	}, needs(Parallel), wraps(errBroken)),
	scene("error in an item before others", one([]int{0, 1, 2, 4}), func(*stage) *mapper {
		return over(odd, engine.WithConcurrency(1))
	}, wraps(errBroken)),
	scene("error in a pipeline's item before others", one([]int{0, 1, 2, 4}), func(*stage) *mapper {
		return over[int, int](of("inner", odd), engine.WithConcurrency(1))
	}, wraps(errBroken)),
	scene("continue on error", one([]int{0, 1, 2, 3}), func(*stage) *mapper { return over(odd, engine.ContinueOnError()) }, wraps(errBroken)),
	scene("continue on error in pipelines", one([]int{1, 2}), func(*stage) *mapper {
		inner := engine.Define("inner", func(g *graph, n num) num { return engine.Add(g, inc, engine.Add(g, odd, n)) })
		return over[int, int](inner, engine.ContinueOnError())
	}, wraps(errBroken)),
	scene("what follows partial results", one([]int{0, 1, 2}), func(*stage) *engine.Pipeline[[]int, int] {
		return engine.Define("p", func(g *graph, l list) num {
			return engine.Add(g, total, engine.Map(g, inc, engine.Map(g, odd, l, engine.ContinueOnError())))
		})
	}, wraps(errBroken)),
	scene("no error to continue on", one([]int{0, 2}), func(*stage) *mapper { return over(odd, engine.ContinueOnError()) }),
	scene("continue on error twice", one([][]int{{0, 1}, {2}}), func(*stage) *engine.Pipeline[[][]int, []int] {
		inner := engine.Define("inner", func(g *graph, l list) num {
			return engine.Add(g, total, engine.Map(g, odd, l, engine.ContinueOnError()))
		})
		return over[[]int, int](inner, engine.ContinueOnError())
	}, wraps(errBroken)),
	scene("cancelled from outside", one(3), func(s *stage) *pipeline {
		cancels := engine.Node("cancels", func(ctx context.Context, _ int) (int, error) {
			if err := s.meet(ctx, "", 2); err != nil {
				return 0, err
			}
			s.cancel()
			<-ctx.Done()
			return 0, ctx.Err()
		})
		inner := of("inner", cancels)
		return engine.Define("p", func(g *graph, n num) num {
			a := engine.Add(g, inner, n)
			return engine.Add(g, inc, engine.Add2(g, add, a, engine.Add(g, s.waits("waits", 2), n)))
		})
	}, needs(Parallel), wraps(context.Canceled)),
	scene("cancelled in a chain", one(3), func(s *stage) *pipeline {
		cancels := engine.Node("cancels", func(ctx context.Context, _ int) (int, error) {
			s.cancel()
			<-ctx.Done()
			return 0, ctx.Err()
		})
		return engine.Define("p", func(g *graph, n num) num { return engine.Add(g, inc, engine.Add(g, cancels, n)) })
	}, wraps(context.Canceled)),
	scene("cancelled before it began", one(3), func(*stage) *pipeline { return of("p", inc) },
		within(func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errGone)
			return ctx, func() {}
		}), wraps(context.Canceled, errGone)),
	scene("deadline of the run", one(3), func(s *stage) *pipeline { return of("p", s.waits("waits", 1)) },
		within(func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 20*time.Millisecond)
		}), wraps(context.DeadlineExceeded)),
}

// oneFails is a step for two items: 0 waits, and 1 fails.
func (s *stage) oneFails() engine.Step[int, int] {
	return engine.Node("item", func(ctx context.Context, n int) (int, error) {
		if err := s.meet(ctx, "", 2); err != nil {
			return 0, err
		}
		if n == 1 {
			return 0, errBroken
		}
		<-ctx.Done()
		return 0, ctx.Err()
	})
}
