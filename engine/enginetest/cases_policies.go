package enginetest

import (
	"context"
	"errors"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// attempt returns the number of the attempt that ctx is of.
func attempt(ctx context.Context) int { return callbacks.FromContext(ctx).Attempt() }

// flaky fails until its third attempt.
var flaky = engine.Node("flaky", func(ctx context.Context, n int) (int, error) {
	if attempt(ctx) < 3 {
		return 0, errBroken
	}
	return 10*n + attempt(ctx), nil
})

// sleeper waits for the end of its context in the first attempt.
var sleeper = engine.Node("sleeper", func(ctx context.Context, n int) (int, error) {
	if attempt(ctx) == 1 {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return n, nil
})

var (
	thrice = engine.WithRetry(engine.Retry{Attempts: 3})
	slowly = engine.WithRetry(engine.Retry{Attempts: 3, Delay: 2 * time.Millisecond})
	twice  = engine.WithRetry(engine.Retry{Attempts: 2})
	soon   = engine.WithTimeout(20 * time.Millisecond)
	picky  = engine.WithRetry(engine.Retry{Attempts: 3, Retryable: func(err error) bool { return !errors.Is(err, errBroken) }})
	brave  = engine.WithRetry(engine.Retry{Attempts: 2, Retryable: func(error) bool { return true }})
)

// policies has retries and timeouts.
var policies = []func() *Case{
	scene("retry that succeeds", one(4), func(*stage) *pipeline { return of("p", flaky, thrice) }),
	scene("retry after a delay", one(4), func(*stage) *pipeline { return of("p", flaky, slowly) }),
	scene("retry that is exhausted", one(4), func(*stage) *pipeline { return of("p", flaky, twice) }, wraps(errBroken)),
	scene("error that is not retried", one(4), func(*stage) *pipeline { return of("p", flaky, picky) }, wraps(errBroken)),
	scene("panic that is not retried", one(4), func(*stage) *pipeline {
		return of("p", engine.Node("panics", func(context.Context, int) (int, error) { panic("broken") }, thrice))
	}),
	scene("panic that is retried", one(4), func(*stage) *pipeline {
		return of("p", engine.Node("panics", func(ctx context.Context, n int) (int, error) {
			if attempt(ctx) == 1 {
				panic("broken")
			}
			return n, nil
		}, brave))
	}),
	scene("retry of items", one([]int{1, 2}), func(*stage) *mapper { return over(flaky, slowly) }),
	scene("retry of an item that is exhausted", one([]int{1}), func(*stage) *mapper { return over(flaky, twice) }, wraps(errBroken)),
	scene("retry in a pipeline that says so", one(4), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, of("inner", flaky), engine.Add(g, inc, n, engine.WithRetry(engine.Retry{Attempts: 1})))
		}, thrice)
	}),
	scene("retry of a loop's rounds", one(4), func(*stage) *pipeline {
		return of("p", engine.Loop("rounds", flaky, func(_ context.Context, n int) (bool, error) { return n > 100, nil }, 5, thrice))
	}),
	scene("retry with emitted values", one(4), func(*stage) *pipeline {
		return of("p", engine.Node("talk", func(ctx context.Context, n int) (int, error) {
			engine.Emit(ctx, attempt(ctx))
			if attempt(ctx) == 1 {
				return 0, errBroken
			}
			return n, nil
		}, twice))
	}),
	scene("retry with marked values", one(4), func(*stage) *pipeline {
		return of("p", engine.Node("count", func(ctx context.Context, n int) (int, error) {
			engine.Metric(ctx, "tries", float64(attempt(ctx)))
			if attempt(ctx) == 1 {
				return 0, errBroken
			}
			return n, nil
		}, twice))
	}),
	scene("retry and continue on error", one([]int{1, 2}), func(*stage) *mapper {
		return over(odd, twice, engine.ContinueOnError())
	}, wraps(errBroken)),
	scene("timeout", one(4), func(*stage) *pipeline { return of("p", sleeper, soon) }, wraps(context.DeadlineExceeded)),
	scene("timeout that is kept", one(4), func(*stage) *pipeline { return of("p", inc, engine.WithTimeout(time.Hour)) }),
	scene("timeout that is retried", one(4), func(*stage) *pipeline { return of("p", sleeper, soon, twice) }),
	scene("timeout of an item", one([]int{1}), func(*stage) *mapper { return over(sleeper, soon) }, wraps(context.DeadlineExceeded)),
	scene("timeout of a function that ignores it", one(4), func(s *stage) *pipeline {
		return of("p", engine.Node("deaf", func(context.Context, int) (int, error) {
			<-s.over
			return 0, nil
		}, soon))
	}, wraps(context.DeadlineExceeded)),
	scene("timeout inside a pipeline", one(4), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, sleeper, engine.Add(g, inc, n, engine.WithTimeout(0)))
		}, soon)
	}, wraps(context.DeadlineExceeded)),
	scene("panic under a timeout", one(0), func(*stage) *pipeline {
		return of("p", node("divide", func(n int) int { return 1 / n }), engine.WithTimeout(time.Hour))
	}),
}
