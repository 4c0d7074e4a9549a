package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// TestCancelledRunIsNotRetried has no delay: nothing else would notice the end.
func TestCancelledRunIsNotRetried(t *testing.T) {
	t.Parallel()
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int32
		p := engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, engine.Node("down", func(context.Context, int) (int, error) {
				if calls.Add(1) == 3 {
					cancel()
				}
				return 0, errBroken
			}), n, engine.WithRetry(engine.Retry{Attempts: 1000}))
		})
		_, err := p.Run(ctx, 1)
		if calls.Load() != 3 || !errors.Is(err, context.Canceled) {
			t.Fatal(calls.Load(), err)
		}
	}
}

func TestCallbacksOfAStepAndItsPlaceAddUp(t *testing.T) {
	t.Parallel()
	var step, place callbacktest.Recorder
	inc := engine.Node("inc", increment, engine.AddCallbacks(&step))
	p := engine.Define("p", func(g *graph, n num) num { return engine.Add(g, inc, n, engine.AddCallbacks(&place)) })
	if _, err := p.Run(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if len(step.Events()) != 2 || len(place.Events()) != 2 {
		t.Error(told(&step), told(&place))
	}
}

// TestGoexitLeavesNoRunOpen has a node end the goroutine that called Run.
func TestGoexitLeavesNoRunOpen(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	p := engine.Define("p", func(g *graph, n num) num {
		return engine.Add(g, engine.Node("exit", func(context.Context, int) (int, error) {
			if calls.Add(1) == 1 {
				runtime.Goexit()
			}
			return 7, nil
		}), n)
	})
	cfg := engine.Config{RunID: "r", Runs: dir}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = p.Run(t.Context(), 1, cfg)
		t.Error("Run returned on a goroutine that has ended")
	}()
	<-ended
	if got, err := p.Run(t.Context(), 1, cfg); got != 7 || err != nil {
		t.Error(got, err)
	}
}

// TestOptionsDoNotForbidToGoOn changes what is said of a step.
func TestOptionsDoNotForbidToGoOn(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var rec callbacktest.Recorder
	for i, opts := range [][]engine.Option{nil, {engine.AddCallbacks(&rec), engine.WithTimeout(time.Minute)}} {
		p := engine.Define("p", func(g *graph, n num) num { return engine.Add(g, engine.Node("inc", increment), n, opts...) })
		if got, err := p.Run(t.Context(), 1, engine.Config{RunID: "r", Runs: dir}); got != 2 || err != nil {
			t.Error(i, got, err)
		}
	}
	if len(rec.Events()) != 1 || rec.Events()[0].Hook != callbacks.HookNodeCached {
		t.Error(told(&rec))
	}
}

type stamped struct {
	time.Time

	Name string
}

type twice struct {
	A int `json:"x"`
	B int `json:"X"`
}

type sparse struct {
	L []int `json:"l,omitempty"`
}

// TestWhatJSONWouldChangeIsNotKept runs steps whose inputs look the same as JSON.
func TestWhatJSONWouldChangeIsNotKept(t *testing.T) {
	t.Parallel()
	now := time.Now()
	different(t, stamped{now, "a"}, stamped{now, "b"})
	different(t, twice{1, 2}, twice{1, 3})
	different(t, sparse{}, sparse{[]int{}})
	different(t, "\xff", "\xfe")
	different(t, any(1), any(1.0))
	different(t, []any{nil}, []any{[]int(nil)})
}

func different[T any](t *testing.T, a, b T) {
	t.Helper()
	p := engine.Define("p", func(g *engine.Graph, v engine.Value[T]) engine.Value[string] {
		return engine.Add(g, engine.Node("print", func(_ context.Context, v T) (string, error) {
			return fmt.Sprintf("%#v", v), nil
		}), v, engine.WithCache(""))
	})
	store := &shelf{}
	for _, v := range []T{a, b} {
		if got, err := p.Run(t.Context(), v, engine.Config{Cache: store}); got != fmt.Sprintf("%#v", v) || err != nil {
			t.Errorf("%s, %v; want %#v", got, err, v)
		}
	}
}

// TestNothingStartsAfterACancel cancels the run in code that then succeeds.
func TestNothingStartsAfterACancel(t *testing.T) {
	t.Parallel()
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int32
		cancels := func(_ context.Context, n int) (int, error) {
			if calls.Add(1) == 3 {
				cancel()
			}
			return n, nil
		}
		p := engine.Define("p", func(g *graph, in engine.Value[[]int]) num {
			return engine.Add(g, engine.Node("sum", sum), engine.Map(g, engine.Node("item", cancels), in))
		})
		_, err := p.Run(ctx, make([]int, 50), engine.Config{Concurrency: 1})
		if !errors.Is(err, context.Canceled) || calls.Load() != 3 {
			t.Fatal(calls.Load(), err)
		}
	}
}

// TestALateEmitIsNotHeard has a goroutine that outlives its node.
func TestALateEmitIsNotHeard(t *testing.T) {
	t.Parallel()
	over, emitted := make(chan struct{}), make(chan bool)
	p := engine.Define("p", func(g *graph, n num) num {
		n = engine.Add(g, engine.Node("leaves", func(ctx context.Context, n int) (int, error) {
			go func() {
				<-over
				emitted <- engine.Emit(ctx, "late")
			}()
			return n, nil
		}), n)
		return engine.Add(g, engine.Node("next", func(_ context.Context, n int) (int, error) {
			close(over)
			if <-emitted {
				t.Error("a node that has ended emits")
			}
			return n, nil
		}), n)
	})
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(t.Context(), 1, listen(rec)); err != nil {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}

// TestADeadlineIsNotTolerated has items that run into the deadline of the run.
func TestADeadlineIsNotTolerated(t *testing.T) {
	t.Parallel()
	wait := engine.Node("wait", func(ctx context.Context, n int) (int, error) {
		<-ctx.Done()
		return n, ctx.Err()
	})
	inner := engine.Define("wait", func(g *graph, n num) num { return engine.Add(g, wait, n) })
	for _, s := range []engine.Step[int, int]{wait, inner} {
		synctest.Test(t, func(t *testing.T) { // the deadline comes when all items wait
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]int] {
				return engine.Map(g, s, in, engine.ContinueOnError())
			})
			rec := &callbacktest.Recorder{}
			_, err := p.Run(ctx, []int{1, 2, 3}, listen(rec))
			e, ok := errors.AsType[*engine.Error](err)
			if !ok || !errors.Is(err, context.DeadlineExceeded) || e.Item < 0 {
				t.Error(err)
			}
			if err := callbacktest.Check(rec.Events()); err != nil {
				t.Error(err)
			}
		})
	}
}
