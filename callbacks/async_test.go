package callbacks_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// items is a pipeline of a map in a nested pipeline.
var items = engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
	inner := engine.Define("inner", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("item", func(_ context.Context, n int) (int, error) { return n, nil }), in)
	})
	return engine.Add(g, inner, in)
})

func runItems(t *testing.T, n int, cbs ...callbacks.PipelineCallback) {
	t.Helper()
	if _, err := items.Run(t.Context(), make([]int, n), engine.Config{Callbacks: cbs}); err != nil {
		t.Error(err)
	}
}

func closeAsync(t *testing.T, a *callbacks.AsyncCallback, dropped int) {
	t.Helper()
	if n, err := a.Close(t.Context()); n != dropped || err != nil {
		t.Errorf("%d events are dropped, want %d; %v", n, dropped, err)
	}
}

type heard struct {
	Hook callbacks.Hook
	Path string
}

func list(events []callbacktest.Event) (all []heard) {
	for _, ev := range events {
		all = append(all, heard{ev.Hook, ev.Context.Path()})
	}
	return all
}

func TestAsyncKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var direct, later callbacktest.Recorder
	var mu sync.Mutex // so that both hear the same order
	a := callbacks.Async(&later, 10_000)
	locked := both{&mu, callbacks.Multi(&direct, a)}
	runItems(t, 1000, locked)
	runItems(t, 10, locked)
	closeAsync(t, a, 0)
	if diff := cmp.Diff(list(direct.Events()), list(later.Events())); diff != "" {
		t.Error(diff)
	}
	if err := callbacktest.Check(later.Events()); err != nil {
		t.Error(err)
	}
	closeAsync(t, a, 0) // again
	runItems(t, 1, a)
	closeAsync(t, a, 10) // it is closed
}

// both calls hooks one at a time.
type both struct {
	mu *sync.Mutex
	callbacks.PipelineCallback
}

func (b both) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.PipelineCallback.OnMapItemStart(cc, ev)
}

func (b both) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.PipelineCallback.OnMapItemEnd(cc, ev)
}

// TestAsyncHooks calls every hook, with Values and other things that are valid
// during the call only.
func TestAsyncHooks(t *testing.T) {
	t.Parallel()
	var rec callbacktest.Recorder
	a := callbacks.Async(&rec, 0)
	cc := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	v := callbacks.NewValues(one{}, 0)
	look := &callbacks.CacheLookup{Reason: "why"}
	resumed := &callbacks.Resumed{Starts: 3}
	a.OnPipelineStart(cc, callbacks.PipelineStart{Inputs: v, Resumed: resumed, Workers: idle{}})
	a.OnNodeStart(cc, callbacks.NodeStart{Inputs: v, Cache: look})
	a.OnNodeEnd(cc, callbacks.NodeEnd{Attempts: 2, Outputs: v, Cache: look})
	a.OnNodeCached(cc, callbacks.NodeCached{Reason: "cache", Outputs: v})
	a.OnNestedPipelineStart(cc, callbacks.NestedPipelineStart{Child: cc})
	a.OnNestedPipelineEnd(cc, callbacks.NestedPipelineEnd{Child: cc})
	a.OnMapStart(cc, callbacks.MapStart{Size: 7, Inputs: v})
	a.OnMapEnd(cc, callbacks.MapEnd{Succeeded: 7, Outputs: v})
	a.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: v, Cache: look})
	a.OnMapItemEnd(cc, callbacks.MapItemEnd{Attempts: 2, Outputs: v, Cache: look})
	a.OnMapItemCached(cc, callbacks.MapItemCached{Reason: "cache", Outputs: v})
	a.OnError(cc, callbacks.Failure{Result: callbacks.ResultTimeout})
	a.OnNodeRetry(cc, callbacks.NodeRetry{Attempt: 2})
	a.OnNodeSkipped(cc, callbacks.NodeSkipped{Reason: "why"})
	a.OnEmit(cc, callbacks.Emit{Value: v})
	a.OnMetric(cc, callbacks.Metric{Name: "rows", Value: 1, At: 2, Replayed: true})
	a.OnPipelineEnd(cc, callbacks.PipelineEnd{Outputs: v})
	a.OnCrashed(cc, callbacks.Crashed{Duration: 3})
	*look, *resumed = callbacks.CacheLookup{}, callbacks.Resumed{}
	closeAsync(t, a, 0)

	was := &callbacks.CacheLookup{Reason: "why"}
	want := []any{
		callbacks.PipelineStart{Resumed: &callbacks.Resumed{Starts: 3}}, // workers are there during the run only
		callbacks.NodeStart{Cache: was},
		callbacks.NodeEnd{Attempts: 2, Cache: was},
		callbacks.NodeCached{Reason: "cache"},
		callbacks.NestedPipelineStart{Child: cc},
		callbacks.NestedPipelineEnd{Child: cc},
		callbacks.MapStart{Size: 7},
		callbacks.MapEnd{Succeeded: 7},
		callbacks.MapItemStart{Cache: was},
		callbacks.MapItemEnd{Attempts: 2, Cache: was},
		callbacks.MapItemCached{Reason: "cache"},
		callbacks.Failure{Result: callbacks.ResultTimeout},
		callbacks.NodeRetry{Attempt: 2},
		callbacks.NodeSkipped{Reason: "why"},
		callbacks.Emit{},
		callbacks.Metric{Name: "rows", Value: 1, At: 2, Replayed: true},
		callbacks.PipelineEnd{},
		callbacks.Crashed{Duration: 3},
	}
	got, all := []any{}, callbacks.Times
	for _, ev := range rec.Events() {
		got = append(got, ev.Event)
		all |= ev.Hook
	}
	if all != callbacks.AllHooks {
		t.Error("not heard:", callbacks.AllHooks&^all)
	}
	same := cmp.Comparer(func(a, b callbacks.Values) bool { return a.Len() == b.Len() })
	if diff := cmp.Diff(want, got, same, cmp.Comparer(func(a, b *callbacks.CallbackContext) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

// one is a source of one value.
type one struct{}

func (one) Len(int32) int     { return 1 }
func (one) At(int32, int) any { return 1 }

// TestAsyncDrops has a callback that does not return before all runs have ended.
func TestAsyncDrops(t *testing.T) {
	t.Parallel()
	const bound = 100
	entered, release := make(chan struct{}), make(chan struct{})
	delivered := 0
	slow := callbacks.Funcs{
		PipelineStart: func(*callbacks.CallbackContext, callbacks.PipelineStart) {
			if delivered++; delivered == 1 {
				close(entered)
				<-release
			}
		},
		MapItemStart: func(*callbacks.CallbackContext, callbacks.MapItemStart) { delivered++ },
		MapItemEnd:   func(*callbacks.CallbackContext, callbacks.MapItemEnd) { delivered++ },
	}
	a := callbacks.Async(slow, bound)
	if h := callbacks.Interest(a); h != callbacks.HookPipelineStart|callbacks.HookMapItemStart|callbacks.HookMapItemEnd|callbacks.Times {
		t.Error(h)
	}
	cc := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "first"}})
	a.OnPipelineStart(cc, callbacks.PipelineStart{})
	<-entered
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { runItems(t, 500, a) })
	}
	wg.Wait()
	emitted := 1 + 4*(2+2*500)
	if n := a.Dropped(); n != emitted-1-bound {
		t.Error(n)
	}
	close(release)
	closeAsync(t, a, emitted-1-bound)
	if delivered != 1+bound {
		t.Errorf("%d delivered, want %d", delivered, 1+bound)
	}
}

// TestAsyncCountsExactly has callbacks, runs and Close at once.
func TestAsyncCountsExactly(t *testing.T) {
	t.Parallel()
	for _, bound := range []int{1, 3, 50} {
		var emitted, delivered atomic.Int64
		count := func(n *atomic.Int64) callbacks.PipelineCallback {
			return callbacks.Funcs{
				MapItemStart: func(*callbacks.CallbackContext, callbacks.MapItemStart) { n.Add(1) },
				MapItemEnd:   func(*callbacks.CallbackContext, callbacks.MapItemEnd) { n.Add(1); runtime.Gosched() },
			}
		}
		a := callbacks.Async(count(&delivered), bound)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { runItems(t, 500, count(&emitted), a) })
		}
		wg.Go(func() {
			for emitted.Load() < 3000 {
				runtime.Gosched()
			}
			_, _ = a.Close(t.Context())
		})
		wg.Wait()
		dropped, err := a.Close(t.Context())
		if got := delivered.Load() + int64(dropped); got != emitted.Load() || err != nil {
			t.Errorf("bound %d: %d delivered + %d dropped != %d emitted; %v", bound, delivered.Load(), dropped, emitted.Load(), err)
		}
	}
}

func TestAsyncHookThatNeverReturns(t *testing.T) {
	t.Parallel()
	release, blocked := make(chan struct{}), make(chan struct{})
	a := callbacks.Async(callbacks.Funcs{
		PipelineStart: func(*callbacks.CallbackContext, callbacks.PipelineStart) { close(blocked); <-release },
		PipelineEnd:   func(*callbacks.CallbackContext, callbacks.PipelineEnd) { t.Error("it was dropped") },
	}, 10)
	var others callbacktest.Recorder
	runItems(t, 10, a, &others)
	if err := callbacktest.Check(others.Events()); err != nil {
		t.Error(err)
	}
	<-blocked
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no more time"))
	dropped, err := a.Close(ctx)
	want := "callback callbacks.Funcs: OnPipelineStart of p has not returned, and 3 events are dropped: no more time"
	if dropped != 3 || err == nil || err.Error() != want {
		t.Errorf("%d dropped, %v", dropped, err)
	}
	close(release)
	closeAsync(t, a, 3)
}

func TestAsyncHookThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	n := 0
	a := callbacks.Async(callbacks.Funcs{
		MapItemEnd: func(*callbacks.CallbackContext, callbacks.MapItemEnd) { n++; runtime.Goexit() },
	}, 0)
	runItems(t, 10, a)
	closeAsync(t, a, 0)
	if n != 10 {
		t.Error(n)
	}
}

// TestAsyncPanics is not parallel: it replaces the logger.
func TestAsyncPanics(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	n := 0
	a := callbacks.Async(callbacks.Funcs{
		MapItemEnd: func(*callbacks.CallbackContext, callbacks.MapItemEnd) { n++; panic("oops") },
	}, 0)
	runItems(t, 10, a)
	closeAsync(t, a, 0)
	if n != 10 || strings.Count(log.String(), "callback panicked; the run goes on") != 1 || !strings.Contains(log.String(), "path=p/inner/item[") {
		t.Error(n, log.String())
	}
}

// knowing answers what is asked of it.
type knowing struct {
	callbacks.Base
	id callbacks.Identity
}

func (k knowing) RunIdentity(context.Context) (callbacks.Identity, bool) { return k.id, true }
func (knowing) ContextValue(_ *callbacks.CallbackContext, key any) any {
	if key == "key" {
		return "value"
	}
	return nil
}
func (knowing) Pinned() bool { return true }

func TestAsyncKeepsAnswers(t *testing.T) {
	t.Parallel()
	id := callbacks.NewIdentity()
	for _, cb := range []callbacks.PipelineCallback{knowing{id: id}, callbacks.Base{}, nil} {
		_, knows := cb.(knowing)
		a := callbacks.Async(cb, 0)
		p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, engine.Node("n", func(ctx context.Context, n int) (int, error) {
				if got := callbacks.FromContext(ctx).TraceID(); (got == id.TraceID) != knows || got == (callbacks.TraceID{}) {
					t.Error(got)
				}
				if (ctx.Value("key") == "value") != knows {
					t.Error(ctx.Value("key"))
				}
				return n, nil
			}), n)
		})
		if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{a}}); err != nil {
			t.Error(err)
		}
		closeAsync(t, a, 0)
		if a.Pinned() != knows {
			t.Error(a.Pinned())
		}
	}
}

// BenchmarkAsync is what an item costs with two hooks that are queued.
func BenchmarkAsync(b *testing.B) {
	a := callbacks.Async(callbacks.Funcs{
		MapItemStart: func(*callbacks.CallbackContext, callbacks.MapItemStart) {},
		MapItemEnd:   func(*callbacks.CallbackContext, callbacks.MapItemEnd) {},
	}, 1<<20)
	b.ReportAllocs()
	if _, err := items.Run(b.Context(), make([]int, b.N), engine.Config{Callbacks: []callbacks.PipelineCallback{a}}); err != nil {
		b.Error(err)
	}
	if _, err := a.Close(b.Context()); err != nil {
		b.Error(err)
	}
}

// idle are workers without work.
type idle struct{}

func (idle) Load() callbacks.Load { return callbacks.Load{} }
