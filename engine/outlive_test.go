package engine_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// TestCancelFindsEveryWaitingAttempt cancels runs whose nodes wait for their next
// attempt: none may go on, and none may take that for success.
func TestCancelFindsEveryWaitingAttempt(t *testing.T) {
	t.Parallel()
	for range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		var failed atomic.Int32
		p := mapOf(func(context.Context, int) (int, error) {
			if failed.Add(1) == 200 {
				go cancel()
			}
			return 0, errBroken
		}, engine.WithRetry(engine.Retry{Attempts: 10_000, Delay: time.Microsecond, MaxDelay: 10 * time.Microsecond}))
		rec := &callbacktest.Recorder{}
		if _, err := p.Run(ctx, make([]int, 20), listen(rec)); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Fatal(err)
		}
		cancel()
	}
}

// TestWhatOutlivesARunTouchesNoOther has nodes whose goroutines use their context
// long after the run, while other runs of the same pipeline go on.
func TestWhatOutlivesARunTouchesNoOther(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var late sync.WaitGroup
	linger := func(ctx context.Context) {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if engine.Emit(ctx, 1) && ctx.Err() != nil {
				t.Error("it emitted after its end")
			}
			engine.Metric(ctx, "late", 1)
			_ = context.Cause(ctx)
			child, cancel := context.WithCancel(ctx)
			_ = child.Err()
			cancel()
			time.Sleep(100 * time.Microsecond)
		}
	}
	step := engine.Node("n", func(ctx context.Context, n int) (int, error) {
		if n%50 == 0 {
			late.Go(func() { linger(ctx) })
		}
		return n, nil
	})
	p := engine.Define("p", func(g *graph, in num) num {
		a := engine.Add(g, step, in)
		b := engine.Add(g, step, in, engine.WithName("other"))
		return engine.Add(g, engine.Node("sum", sum), engine.Collect(g, a, b))
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 1000 {
				if got, err := p.Run(t.Context(), n); got != 2*n || err != nil {
					t.Error(got, err)
				}
			}
		})
	}
	all.Wait()
	close(stop)
	late.Wait()
}

// TestARunOfFewNodesAllocatesOnce holds what makes small runs cheap.
func TestARunOfFewNodesAllocatesOnce(t *testing.T) {
	p := engine.Define("p", func(g *graph, v num) num {
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			v = engine.Add(g, engine.Node(name, func(_ context.Context, n int) (int, error) { return n + 1, nil }), v)
		}
		return v
	})
	got := testing.AllocsPerRun(1000, func() {
		if n, err := p.Run(t.Context(), 1); n != 11 || err != nil {
			t.Error(n, err)
		}
	})
	if raced {
		t.Skip("with the race detector, pools forget on purpose")
	}
	// The context of a test can be cancelled, and is watched.
	const watch = 8
	if got > 1+watch {
		t.Errorf("a run allocated %v times", got)
	}
	got = testing.AllocsPerRun(1000, func() {
		if n, err := p.Run(context.Background(), 1); n != 11 || err != nil {
			t.Error(n, err)
		}
	})
	if got > 1 {
		t.Errorf("a run that cannot be cancelled allocated %v times", got)
	}
}
