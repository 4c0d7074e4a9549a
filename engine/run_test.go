package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// single makes a pipeline of one node, called "p/n".
func single[I, O any](fn func(context.Context, I) (O, error), opts ...engine.Option) *engine.Pipeline[I, O] {
	return engine.Define("p", func(g *engine.Graph, in engine.Value[I]) engine.Value[O] {
		return engine.Add(g, engine.Node("n", fn, opts...), in)
	})
}

func listen(cb ...callbacks.PipelineCallback) engine.Config {
	return engine.Config{Callbacks: cb}
}

func TestArities(t *testing.T) {
	t.Parallel()
	zero := engine.Node0("zero", func(context.Context) (int, error) { return 1, nil })
	two := engine.Node2("two", func(_ context.Context, a int, b string) (string, error) { return fmt.Sprint(a, b), nil })
	three := engine.Node3("three", func(_ context.Context, a int, b string, c bool) (string, error) { return fmt.Sprint(a, b, c), nil })
	four := engine.Node4("four", func(_ context.Context, a int, b, c string, d float64) (string, error) {
		return fmt.Sprint(a, b, c, d), nil
	})
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[string]) engine.Value[string] {
		n := engine.Add0(g, zero)
		s := engine.Add2(g, two, n, in)
		yes := engine.Add(g, engine.Node("yes", func(context.Context, string) (bool, error) { return true, nil }), s)
		half := engine.Add0(g, engine.Node0("half", func(context.Context) (float64, error) { return 0.5, nil }))
		return engine.Add4(g, four, n, s, engine.Add3(g, three, n, in, yes), half)
	})
	got, err := p.Run(t.Context(), "x")
	if want := "11x1xtrue0.5"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestPipelineThatReturnsItsInput(t *testing.T) {
	t.Parallel()
	p := engine.Define("same", func(_ *engine.Graph, in engine.Value[int]) engine.Value[int] { return in })
	if got, err := p.Run(t.Context(), 7); got != 7 || err != nil {
		t.Error(got, err)
	}
}

func TestMapKeepsTheOrder(t *testing.T) {
	t.Parallel()
	p := mapItems()
	in := make([]int, 10_000)
	for i := range in {
		in[i] = i
	}
	got, err := p.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v != i+1 {
			t.Fatalf("item %d is %d", i, v)
		}
	}
	if empty, err := p.Run(t.Context(), nil); err != nil || empty == nil || len(empty) != 0 {
		t.Errorf("a map over nothing gives %v, %v; want an empty slice", empty, err)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 7} {
		var now, most atomic.Int32
		p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
			return engine.Map(g, engine.Node("item", func(_ context.Context, i int) (int, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); {
					m = most.Load()
				}
				time.Sleep(time.Millisecond)
				return i, nil
			}), in)
		})
		if _, err := p.Run(t.Context(), make([]int, 30), engine.Config{Concurrency: limit}); err != nil {
			t.Fatal(err)
		}
		// How many there are at once below the limit is for the scheduler to say.
		if n := int(most.Load()); n > limit || limit > 1 && n < 2 {
			t.Errorf("%d items in flight, want %d", n, limit)
		}
	}
}

// TestBlockedNodesDoNotHoldUpOthers has nodes that wait for each other: it ends
// only if all of them run at once.
func TestBlockedNodesDoNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	const n = 40
	var all sync.WaitGroup
	all.Add(2 * n)
	meet := func(ctx context.Context, i int) (int, error) {
		all.Done()
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		select {
		case <-done:
			return i, nil
		case <-time.After(20 * time.Second):
			all.Add(-2 * n) // lets the waiting goroutines go
			return 0, errors.New("the others did not come")
		}
	}
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		var values []engine.Value[int]
		for i := range n {
			values = append(values, engine.Add(g, engine.Node(fmt.Sprint("n", i), meet), in))
		}
		items := engine.Add(g, engine.Node("items", func(context.Context, int) ([]int, error) { return make([]int, n), nil }), in)
		values = append(values, engine.Add(g, engine.Node("sum", sum), engine.Map(g, engine.Node("item", meet), items)))
		return engine.Add(g, engine.Node("total", sum), engine.Collect(g, values...))
	})
	if _, err := p.Run(t.Context(), 0, engine.Config{Concurrency: 2*n + 1}); err != nil {
		t.Error(err)
	}
}

func TestFirstFailureCancelsTheOthers(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	ran := atomic.Bool{}
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		waits := engine.Add(g, engine.Node("waits", func(ctx context.Context, _ int) (int, error) {
			close(started)
			<-ctx.Done()
			return 0, ctx.Err()
		}), in)
		fails := engine.Add(g, engine.Node("fails", func(context.Context, int) (int, error) {
			<-started
			return 0, errBroken
		}), in)
		return engine.Add(g, engine.Node("after", func(context.Context, []int) (int, error) {
			ran.Store(true)
			return 0, nil
		}), engine.Collect(g, waits, fails))
	})
	rec := &callbacktest.Recorder{}
	_, err := p.Run(t.Context(), 1, listen(rec))
	if got, want := fmt.Sprint(err), "p/fails: broken"; got != want || !errors.Is(err, errBroken) {
		t.Errorf("got %q, want %q", got, want)
	}
	if ran.Load() {
		t.Error("a node ran after the failure of what it needs")
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	results := map[string]callbacks.Result{}
	failures := 0
	for _, ev := range rec.Events() {
		switch e := ev.Event.(type) {
		case callbacks.NodeEnd:
			results[ev.Context.Name()] = e.Result
		case callbacks.PipelineEnd:
			results[ev.Context.Name()] = e.Result
		case callbacks.Failure:
			failures++
		}
	}
	if len(results) != 3 || results["fails"] != callbacks.ResultFailure ||
		results["waits"] != callbacks.ResultCancellation || results["p"] != callbacks.ResultFailure || failures != 1 {
		t.Errorf("results %v with %d failures", results, failures)
	}
}

func TestEndsThatAreNotErrors(t *testing.T) {
	t.Parallel()
	type S struct{ A, B int }
	tests := []struct {
		name   string
		fn     func(context.Context, int) (int, error)
		want   string
		result callbacks.Result
	}{
		{"error", func(context.Context, int) (int, error) { return 0, errBroken }, "p/n: broken", callbacks.ResultFailure},
		{"wrapped cancel of its own", func(context.Context, int) (int, error) {
			return 0, fmt.Errorf("query: %w", context.Canceled)
		}, "p/n: query: context canceled", callbacks.ResultFailure},
		{"panic", func(context.Context, int) (int, error) { panic(S{1, 2}) }, "p/n: panic: {1 2} (run_test.go:N)", callbacks.ResultError},
		{"panic with error", func(context.Context, int) (int, error) { panic(errBroken) }, "p/n: panic: broken (run_test.go:N)", callbacks.ResultError},
		{
			"panic nil", func(context.Context, int) (int, error) { panic(nil) }, //nolint:govet // the point
			"p/n: panic: panic called with nil argument (run_test.go:N)", callbacks.ResultError,
		},
		{
			"runtime error", func(_ context.Context, n int) (int, error) { return 1 / n, nil },
			"p/n: panic: runtime error: integer divide by zero (run_test.go:N)", callbacks.ResultError,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var end callbacks.NodeEnd
			var failure callbacks.Failure
			_, err := single(tt.fn).Run(t.Context(), 0, listen(callbacks.Funcs{
				NodeEnd: func(_ *callbacks.CallbackContext, ev callbacks.NodeEnd) { end = ev },
				Error:   func(_ *callbacks.CallbackContext, ev callbacks.Failure) { failure = ev },
			}))
			if withoutLines(fmt.Sprint(err)) != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			var e *engine.Error
			if !errors.As(err, &e) || e.Path != "p/n" || e.Item != -1 || e.Attempt != 1 {
				t.Errorf("%#v", e)
			}
			if end.Result != tt.result || failure.Result != tt.result || !end.Origin || !errors.Is(failure.Err, end.Err) {
				t.Errorf("end %+v, failure %+v", end, failure)
			}
			var p *engine.PanicError
			if errors.As(err, &p) && !strings.Contains(p.Stack(), "run_test.go") {
				t.Errorf("the stack does not show the code that panicked:\n%s", p.Stack())
			}
		})
	}
}

func TestPathOfAnItem(t *testing.T) {
	t.Parallel()
	fails := engine.Node("leaf", func(_ context.Context, n int) (int, error) {
		if n == 2 {
			return 0, errBroken
		}
		return n, nil
	})
	inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, fails, n) })
	outer := engine.Define("outer", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, inner, in)
	})
	rec := &callbacktest.Recorder{}
	_, err := outer.Run(t.Context(), []int{0, 1, 2, 3}, listen(rec))
	var e *engine.Error
	if !errors.As(err, &e) || e.Path != "outer/inner[2]/leaf" || e.Item != 2 {
		t.Errorf("%+v", err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	for _, ev := range rec.Events() {
		if end, ok := ev.Event.(callbacks.MapEnd); ok {
			if end.Failed != 1 || end.Result != callbacks.ResultFailure || end.Origin {
				t.Errorf("%+v", end)
			}
		}
	}
}

func TestCancelFromOutside(t *testing.T) {
	t.Parallel()
	cause := errors.New("the user went home")
	ctx, cancel := context.WithCancelCause(t.Context())
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		inner := engine.Define("inner", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
			return engine.Add(g, engine.Node("n", func(ctx context.Context, _ int) (int, error) {
				cancel(cause)
				<-ctx.Done()
				return 0, ctx.Err()
			}), in)
		})
		return engine.Add(g, inner, in)
	})
	rec := &callbacktest.Recorder{}
	_, err := p.Run(ctx, 0, listen(rec))
	if got, want := fmt.Sprint(err), "p: context canceled: the user went home"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("%v does not wrap its causes", err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	for _, ev := range rec.Events() {
		if end, ok := ev.Event.(callbacks.PipelineEnd); ok && end.Result != callbacks.ResultCancellation {
			t.Errorf("%s ended with %s", ev.Context.Path(), end.Result)
		}
	}
}

func TestContextThatIsDone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := &callbacktest.Recorder{}
	_, err := chain(3).Run(ctx, 0, listen(rec))
	if !errors.Is(err, context.Canceled) || len(rec.Events()) != 2 {
		t.Errorf("%v with %d events, want only the pipeline's start and end", err, len(rec.Events()))
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}

func TestDeadlineIsOneFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the deadline comes when both nodes wait
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		waits := func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		p := engine.Define("p", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
			a := engine.Add(g, engine.Node("a", waits), in)
			b := engine.Add(g, engine.Node("b", waits), in)
			return engine.Add(g, engine.Node("sum", sum), engine.Collect(g, a, b))
		})
		rec := &callbacktest.Recorder{}
		_, err := p.Run(ctx, 0, listen(rec))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		failures := 0
		for _, ev := range rec.Events() {
			if f, ok := ev.Event.(callbacks.Failure); ok {
				failures++
				if f.Result != callbacks.ResultTimeout {
					t.Errorf("result %s", f.Result)
				}
			}
		}
		if failures != 1 {
			t.Errorf("%d failures, want 1", failures)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	})
}

// TestGoexit has a node that ends its goroutine, as t.FailNow does. The run ends
// with all its hooks; if it was the caller's goroutine, that ends then too.
func TestGoexit(t *testing.T) {
	t.Parallel()
	for _, items := range []int{1, 5} {
		rec := &callbacktest.Recorder{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = mapOf(func(ctx context.Context, i int) (int, error) { return i, exit(t) }).Run(t.Context(), make([]int, items), listen(rec))
		}()
		<-done
		if err := callbacktest.Check(rec.Events()); err != nil || len(rec.Events()) == 0 {
			t.Error(len(rec.Events()), err)
		}
	}
}

func TestValuesReachHooks(t *testing.T) {
	t.Parallel()
	var seen []string
	note := func(what string, cc *callbacks.CallbackContext, v callbacks.Values) {
		for i := range v.Len() {
			seen = append(seen, fmt.Sprintf("%s %s %d: %s", what, cc.Path(), i, v.JSON(i, 20)))
			c, err := v.Copy(i)
			if err != nil {
				t.Error(err)
			}
			if list, ok := c.([]int); ok && len(list) > 0 {
				list[0] = 99 // must not be seen by the run
			}
		}
	}
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[int] {
		return engine.Add(g, engine.Node("sum", sum), engine.Map(g, engine.Node("inc", increment), in))
	})
	got, err := p.Run(t.Context(), []int{1, 2}, engine.Config{Concurrency: 1, Callbacks: []callbacks.PipelineCallback{callbacks.Funcs{
		PipelineStart: func(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) { note("in", cc, ev.Inputs) },
		NodeStart:     func(cc *callbacks.CallbackContext, ev callbacks.NodeStart) { note("in", cc, ev.Inputs) },
		MapStart:      func(cc *callbacks.CallbackContext, ev callbacks.MapStart) { note("in", cc, ev.Inputs) },
		MapItemStart:  func(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) { note("in", cc, ev.Inputs) },
		MapItemEnd:    func(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) { note("out", cc, ev.Outputs) },
		MapEnd:        func(cc *callbacks.CallbackContext, ev callbacks.MapEnd) { note("out", cc, ev.Outputs) },
		NodeEnd:       func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) { note("out", cc, ev.Outputs) },
		PipelineEnd:   func(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) { note("out", cc, ev.Outputs) },
	}}})
	if got != 5 || err != nil {
		t.Error(got, err)
	}
	want := `in p 0: [1,2]
in p/inc 0: [1,2]
in p/inc[0] 0: 1
out p/inc[0] 0: 2
in p/inc[1] 0: 2
out p/inc[1] 0: 3
out p/inc 0: [2,3]
in p/sum 0: [2,3]
out p/sum 0: 5
out p 0: 5`
	if all := strings.Join(seen, "\n"); all != want {
		t.Errorf("got\n%s\nwant\n%s", all, want)
	}
}

// hotPanics hears nodes and items, and panics each time.
type hotPanics struct {
	callbacks.Base

	calls *atomic.Int32
}

func (hotPanics) Hooks() callbacks.Hook {
	return callbacks.HookNodeStart | callbacks.HookNodeEnd | callbacks.HookMapItemStart | callbacks.HookMapItemEnd
}

func (h hotPanics) call() { h.calls.Add(1); panic("hook") }

func (h hotPanics) OnNodeStart(*callbacks.CallbackContext, callbacks.NodeStart)       { h.call() }
func (h hotPanics) OnNodeEnd(*callbacks.CallbackContext, callbacks.NodeEnd)           { h.call() }
func (h hotPanics) OnMapItemStart(*callbacks.CallbackContext, callbacks.MapItemStart) { h.call() }
func (h hotPanics) OnMapItemEnd(*callbacks.CallbackContext, callbacks.MapItemEnd)     { h.call() }

// TestOnlyCallbackOfNodesThatPanics: one that alone hears nodes is called by the engine
// itself, whatever else others hear.
func TestOnlyCallbackOfNodesThatPanics(t *testing.T) {
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[int] {
		return engine.Add(g, engine.Node("sum", func(_ context.Context, list []int) (n int, _ error) {
			for _, i := range list {
				n += i
			}
			return n, nil
		}), engine.Map(g, engine.Node("inc", increment), in))
	})
	const name, calls = "engine_test.hotPanics", 2 + 2*3
	before := callbacks.Panics()[name]
	bad, ended := hotPanics{calls: new(atomic.Int32)}, 0
	others := callbacks.Funcs{PipelineEnd: func(*callbacks.CallbackContext, callbacks.PipelineEnd) { ended++ }}
	for range 2 {
		if got, err := p.Run(t.Context(), []int{1, 2, 3}, listen(others, bad)); got != 9 || err != nil {
			t.Error(got, err)
		}
	}
	if n, told := bad.calls.Load(), callbacks.Panics()[name]-before; n != 2*calls || told != 2*calls || ended != 2 {
		t.Errorf("%d calls, %d panics are counted, %d runs ended; want %d, %[4]d and 2", n, told, ended, 2*calls)
	}
}

func TestCallbackThatPanics(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	rec := &callbacktest.Recorder{}
	bad := callbacks.Funcs{
		NodeStart:   func(*callbacks.CallbackContext, callbacks.NodeStart) { panic("hook") },
		PipelineEnd: func(*callbacks.CallbackContext, callbacks.PipelineEnd) { panic("hook") },
	}
	if got, err := chain(3).Run(t.Context(), 0, listen(bad, rec)); got != 3 || err != nil {
		t.Error(got, err)
	}
	if n := strings.Count(log.String(), "callback panicked"); n != 1 || !strings.Contains(log.String(), "hook=OnNodeStart path=chain/n0") {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}

func TestContextFromANode(t *testing.T) {
	t.Parallel()
	type key struct{}
	p := single(func(ctx context.Context, _ int) (string, error) {
		derived, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		cc := callbacks.FromContext(derived)
		return fmt.Sprint(cc.Path(), " ", cc.Depth(), " ", derived.Value(key{})), nil
	})
	got, err := p.Run(context.WithValue(t.Context(), key{}, "value"), 0)
	if want := "p/n 0 value"; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestPipelinesRunAtOnce(t *testing.T) {
	t.Parallel()
	p := nested(5, 3)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for range 50 {
				if got, err := p.Run(t.Context(), i); got != i+15 || err != nil {
					t.Error(got, err)
				}
			}
		})
	}
	all.Wait()
}

func mapOf(fn func(context.Context, int) (int, error), opts ...engine.Option) *engine.Pipeline[[]int, []int] {
	return engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("item", fn, opts...), in)
	})
}
