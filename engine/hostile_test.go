package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// TestACollectionThatWasNotMadeIsNoSuccess cancels the run in the node before a
// pipeline's last collection.
func TestACollectionThatWasNotMadeIsNoSuccess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := engine.Define("p", func(g *engine.Graph, in num) engine.Value[[]int] {
		a := engine.Add(g, engine.Node("a", func(ctx context.Context, n int) (int, error) {
			cancel()
			<-ctx.Done()
			for range 1000 {
				runtime.Gosched() // until the engine has seen it too
			}
			return n, nil
		}), in)
		return engine.Collect(g, a, a)
	})
	if out, err := p.Run(ctx, 7); len(out) != 2 && !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", out, err)
	}
}

// TestNoWakeUpIsLost has nodes that go on only when as many run as are allowed.
func TestNoWakeUpIsLost(t *testing.T) {
	t.Parallel()
	var meeting atomic.Pointer[sync.WaitGroup]
	meet := engine.Node("meet", func(_ context.Context, n int) (int, error) {
		w := meeting.Load()
		w.Done()
		w.Wait()
		return n, nil
	})
	inner := engine.Define("inner", func(g *engine.Graph, in num) engine.Value[[]int] {
		return engine.Map(g, meet, engine.Collect(g, in, in))
	})
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[][]int] {
		return engine.Map(g, inner, in)
	})
	for range 3000 {
		w := &sync.WaitGroup{}
		w.Add(4)
		meeting.Store(w)
		if _, err := p.Run(t.Context(), make([]int, 2), engine.Config{Concurrency: 4}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoItemWaitsBehindAnother has an item that waits for the next one.
func TestNoItemWaitsBehindAnother(t *testing.T) {
	t.Parallel()
	second := make(chan struct{})
	in := make([]int, 1000)
	in[0], in[1] = 1, 2
	p := mapOf(func(ctx context.Context, n int) (int, error) {
		switch n {
		case 1:
			select {
			case <-second:
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		case 2:
			close(second)
		}
		return n, nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := p.Run(ctx, in); err != nil {
		t.Error(err)
	}
}

// TestComputingNodesAreFew has nodes that only compute: more of them at once
// than processors would keep the rest of the program waiting.
func TestComputingNodesAreFew(t *testing.T) {
	var now, most atomic.Int32
	p := mapOf(func(_ context.Context, n int) (int, error) {
		if c := now.Add(1); c > most.Load() {
			most.Store(c)
		}
		for begin := time.Now(); time.Since(begin) < 2*time.Millisecond; {
			n++
		}
		now.Add(-1)
		return n, nil
	})
	if _, err := p.Run(t.Context(), make([]int, 1000)); err != nil {
		t.Fatal(err)
	}
	if most.Load() > int32(runtime.GOMAXPROCS(0))+16 {
		t.Errorf("%d nodes computed at once", most.Load())
	}
}

// TestEveryScopeAroundATimeoutFails has two nodes that run into the deadline, the
// second one in a map in a nested pipeline.
func TestEveryScopeAroundATimeoutFails(t *testing.T) {
	t.Parallel()
	wait := func(more time.Duration) func(context.Context, int) (int, error) {
		return func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			time.Sleep(more)
			return 0, ctx.Err()
		}
	}
	inner := engine.Define("inner", func(g *engine.Graph, in num) engine.Value[[]int] {
		return engine.Map(g, engine.Node("m", wait(10*time.Millisecond)), engine.Collect(g, in))
	})
	p := engine.Define("p", func(g *engine.Graph, in num) engine.Value[[]int] {
		engine.Add(g, engine.Node("a", wait(0)), in)
		return engine.Add(g, inner, in)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(ctx, 1, listen(rec)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	for _, ev := range rec.Events() {
		var end callbacks.End
		switch e := ev.Event.(type) {
		case callbacks.MapEnd:
			end = e.End
		case callbacks.PipelineEnd:
			end = e.End
		default:
			continue
		}
		if end.Result != callbacks.ResultTimeout {
			t.Errorf("%s ended with %s", ev.Context.Path(), end.Result)
		}
	}
}

func TestGoexitWithAPanicOnTheWay(t *testing.T) {
	t.Parallel()
	rec := &callbacktest.Recorder{}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err = mapOf(func(context.Context, int) (int, error) {
			defer func() { panic("on the way") }()
			runtime.Goexit()
			return 0, nil
		}).Run(t.Context(), make([]int, 4), listen(rec))
	}()
	<-done
	if bad := callbacktest.Check(rec.Events()); bad != nil {
		t.Error(bad, err)
	}
}

func TestGoexitInAHook(t *testing.T) {
	t.Parallel()
	err := error(nil)
	done := make(chan struct{})
	go func() { // which the hook may end
		err = errors.New("the goroutine was ended")
		defer close(done)
		_, err = mapOf(func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Millisecond)
			return n, nil
		}).Run(t.Context(), make([]int, 20), listen(callbacks.Funcs{
			MapItemEnd: func(*callbacks.CallbackContext, callbacks.MapItemEnd) { runtime.Goexit() },
		}))
	}()
	<-done
	if err == nil {
		t.Error("a run that lost items is a success")
	}
}

type nilError struct{ inner error }

func (e *nilError) Error() string { return e.inner.Error() }
func (e *nilError) Unwrap() error { return e.inner }

func TestErrorWhoseMethodsPanic(t *testing.T) {
	t.Parallel()
	p := mapOf(func(context.Context, int) (int, error) {
		var e *nilError
		return 0, e
	})
	_, err := p.Run(t.Context(), make([]int, 10))
	var e *engine.Error
	var panicked *engine.PanicError
	if !errors.As(err, &e) || !errors.As(err, &panicked) {
		t.Errorf("%v", err)
	}
}

// TestCancelledByAPanic has a node that returns the cause of its cancellation,
// which is the panic of another node.
func TestCancelledByAPanic(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	p := engine.Define("p", func(g *engine.Graph, in num) engine.Value[[]int] {
		a := engine.Add(g, engine.Node("a", func(context.Context, int) (int, error) { <-started; panic("x") }), in)
		b := engine.Add(g, engine.Node("b", func(ctx context.Context, _ int) (int, error) {
			close(started)
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}), in)
		return engine.Collect(g, a, b)
	})
	failures := 0
	_, err := p.Run(t.Context(), 1, listen(callbacks.Funcs{
		Error: func(*callbacks.CallbackContext, callbacks.Failure) { failures++ },
	}))
	if failures != 1 || err == nil {
		t.Errorf("%d failures, %v", failures, err)
	}
}

// uncomparable is a callback that panics where it can.
type uncomparable struct{ callbacks.Funcs }

func (uncomparable) ContextValue(*callbacks.CallbackContext, any) any { return nil }
func (uncomparable) Hooks() callbacks.Hook                            { panic("hooks") }
func (uncomparable) RunIdentity(context.Context) (callbacks.Identity, bool) {
	panic("identity")
}

func TestHostileCallback(t *testing.T) {
	t.Parallel()
	bad := uncomparable{}
	if got, err := chain(2).Run(t.Context(), 0, listen(bad, bad)); got != 2 || err != nil {
		t.Error(got, err)
	}
}

// TestMultiKeepsTheIdentity gives a run its callbacks through Multi.
func TestMultiKeepsTheIdentity(t *testing.T) {
	t.Parallel()
	id := callbacks.NewIdentity()
	var got callbacks.TraceID
	_, err := single(func(ctx context.Context, n int) (string, error) {
		got = callbacks.FromContext(ctx).TraceID()
		return fmt.Sprint(ctx.Value(identified{})), nil
	}).Run(t.Context(), 1, listen(callbacks.Multi(identified{id: id})))
	if got != id.TraceID || err != nil {
		t.Errorf("%s, want %s; %v", got, id.TraceID, err)
	}
}

type identified struct {
	callbacks.Base
	id callbacks.Identity
}

func (i identified) RunIdentity(context.Context) (callbacks.Identity, bool) { return i.id, true }

func TestManyBlockedNodesEndSoonAfterACancel(t *testing.T) {
	t.Parallel()
	const n = 10_000
	ctx, cancel := context.WithCancel(t.Context())
	var started atomic.Int32
	p := mapOf(func(ctx context.Context, _ int) (int, error) {
		if started.Add(1) == n {
			cancel()
		}
		<-ctx.Done()
		return 0, ctx.Err()
	})
	if _, err := p.Run(ctx, make([]int, n), engine.Config{Concurrency: n}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestNothingRunsOnWhatWasCancelled cancels the run in a node that then returns
// at once: the next one has no value to run on.
func TestNothingRunsOnWhatWasCancelled(t *testing.T) {
	t.Parallel()
	for range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		p := engine.Define("p", func(g *graph, n num) num {
			n = engine.Add(g, engine.Node("cancels", func(ctx context.Context, _ int) (int, error) {
				cancel()
				return 0, ctx.Err()
			}), n)
			return engine.Add(g, engine.Node("next", func(_ context.Context, n int) (int, error) {
				t.Error("a node ran on the result of one that has none")
				return n, nil
			}), n)
		})
		if _, err := p.Run(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// TestNothingBeginsAfterACancelThatIsSeen has an item that ends its run, and says
// so, before what watches the context can.
func TestNothingBeginsAfterACancelThatIsSeen(t *testing.T) {
	t.Parallel()
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		var began atomic.Int32
		p := mapOf(func(ctx context.Context, _ int) (int, error) {
			began.Add(1)
			cancel()
			return 0, ctx.Err()
		})
		if _, err := p.Run(ctx, make([]int, 100), engine.Config{Concurrency: 1}); !errors.Is(err, context.Canceled) || began.Load() != 1 {
			t.Fatal(began.Load(), err)
		}
	}
}
