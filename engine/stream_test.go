package engine_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// emits makes a pipeline of one node, called "p/n", that emits 0 to n-1.
func emits() *engine.Pipeline[int, int] {
	return single(func(ctx context.Context, n int) (int, error) {
		for i := range n {
			engine.Emit(ctx, i)
		}
		return n, nil
	})
}

// read is what a reader has got.
type read[O any] struct {
	events []callbacktest.Event
	chunks []any
	lost   int
	last   engine.StreamEvent[O]
}

func (r *read[O]) add(t *testing.T, ev engine.StreamEvent[O]) {
	t.Helper()
	if r.last.Done {
		t.Error("an event after the last one")
	}
	r.lost += ev.Lost
	if ev.Done {
		r.last = ev
		return
	}
	if ev.Hook == callbacks.HookEmit {
		r.chunks = append(r.chunks, ev.Chunk)
	}
	r.events = append(r.events, callbacktest.Event{Hook: ev.Hook, Context: ev.Context, Event: ev.Event})
}

func lines(events []callbacktest.Event) (list []string) {
	for _, ev := range events {
		list = append(list, fmt.Sprint(ev.Hook, " ", ev.Context.Path()))
	}
	return list
}

func TestStreamTellsEverythingInOrder(t *testing.T) {
	t.Parallel()
	item := engine.Node("item", func(ctx context.Context, n int) (int, error) {
		engine.Emit(ctx, n)
		return n, nil
	}, engine.WithCallbacks()) // the reader hears it all the same
	inner := engine.Define("inner", func(g *graph, in num) num { return engine.Add(g, parity, in) })
	p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, inner, engine.Map(g, item, in))
	})
	rec := &callbacktest.Recorder{}
	var got read[[]int]
	for ev := range p.Stream(t.Context(), []int{1, 2, 3, 4}, listen(rec)) {
		got.add(t, ev)
	}
	if err := callbacktest.Check(got.events); err != nil {
		t.Error(err)
	}
	if got.lost != 0 || got.last.Err != nil || !reflect.DeepEqual(got.last.Result, []int{4, 1, 10, 2}) {
		t.Error(got.lost, got.last)
	}
	if len(got.chunks) != 4 {
		t.Error("chunks", got.chunks)
	}
	for _, ev := range got.events {
		e := reflect.ValueOf(ev.Event)
		for _, name := range []string{"Inputs", "Outputs", "Value"} {
			if f := e.FieldByName(name); f.IsValid() && !f.IsZero() {
				t.Errorf("%s has its %s", ev.Hook, name)
			}
		}
		if end, ok := ev.Event.(callbacks.PipelineEnd); ok && end.Duration <= 0 {
			t.Error("a pipeline without a duration")
		}
	}
}

func TestStreamHasTheOrderOfTheHooks(t *testing.T) {
	t.Parallel()
	p := engine.Define("p", func(g *graph, in num) num {
		return engine.Add(g, engine.Loop("collatz", parity, func(_ context.Context, n int) (bool, error) { return n == 1, nil }, 200), in)
	})
	rec := &callbacktest.Recorder{}
	var got read[int]
	for ev := range p.Stream(t.Context(), 27, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}, Concurrency: 1}) {
		got.add(t, ev)
	}
	if diff := cmp.Diff(lines(rec.Events()), lines(got.events)); diff != "" || got.lost != 0 {
		t.Errorf("lost %d, %s", got.lost, diff)
	}
}

// TestStreamRangesAreRuns ranges twice over one sequence.
func TestStreamRangesAreRuns(t *testing.T) {
	t.Parallel()
	seq := emits().Stream(t.Context(), 3)
	ids := map[string]bool{}
	for range 2 {
		var got read[int]
		for ev := range seq {
			got.add(t, ev)
			if ev.Context != nil {
				ids[ev.Context.RunID()] = true
			}
		}
		if diff := cmp.Diff([]any{0, 1, 2}, got.chunks); diff != "" || got.last.Result != 3 {
			t.Error(diff)
		}
	}
	if len(ids) != 2 {
		t.Error("runs", ids)
	}
}

func TestStreamOfMistakes(t *testing.T) {
	t.Parallel()
	bad := engine.Define("p", func(*graph, num) (v num) { return v })
	good := single(func(context.Context, int) (int, error) { return 1, nil })
	boom := single(func(context.Context, int) (int, error) { return 0, errors.New("boom") })
	for name, seq := range map[string]struct {
		seq  func(func(engine.StreamEvent[int]) bool)
		want string
	}{
		"definition": {bad.Stream(t.Context(), 1), "zero Value"},
		"config":     {good.Stream(t.Context(), 1, engine.Config{Concurrency: -1}), "Concurrency"},
		"nil":        {(*engine.Pipeline[int, int])(nil).Stream(t.Context(), 1), "nil"},
		"failure":    {boom.Stream(t.Context(), 1), "p/n: boom"},
	} {
		var got read[int]
		for ev := range seq.seq {
			got.add(t, ev)
		}
		if !got.last.Done || got.last.Err == nil || !strings.Contains(got.last.Err.Error(), seq.want) {
			t.Errorf("%s: %v", name, got.last.Err)
		}
		if name != "failure" && len(got.events) > 0 {
			t.Errorf("%s: %v", name, lines(got.events))
		}
	}
}

// TestStreamCountsWhatItLoses has a reader that looks away until all nodes ran.
func TestStreamCountsWhatItLoses(t *testing.T) {
	t.Parallel()
	p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, half, in)
	})
	rec := &callbacktest.Recorder{}
	ended := make(chan struct{})
	end := callbacks.Funcs{PipelineEnd: func(*callbacks.CallbackContext, callbacks.PipelineEnd) { close(ended) }}
	var got read[[]int]
	for ev := range p.Stream(t.Context(), make([]int, 5000), listen(rec, end)) {
		if len(got.events) == 0 {
			<-ended
		}
		got.add(t, ev)
	}
	if all := len(rec.Events()); got.lost == 0 || len(got.events)+got.lost != all {
		t.Errorf("%d read and %d lost of %d", len(got.events), got.lost, all)
	}
	if got.last.Err != nil || len(got.last.Result) != 5000 {
		t.Error(got.last.Err)
	}
}

// TestStreamLosesNothingForAReaderThatReads emits more than there is room for.
func TestStreamLosesNothingForAReaderThatReads(t *testing.T) {
	t.Parallel()
	var got read[int]
	for ev := range emits().Stream(t.Context(), 100_000) {
		got.add(t, ev)
	}
	if len(got.chunks)+got.lost < 100_000 || got.last.Result != 100_000 {
		t.Errorf("%d chunks, %d lost", len(got.chunks), got.lost)
	}
	before := -1
	for _, c := range got.chunks {
		if c.(int) <= before {
			t.Fatalf("%d after %d", c, before)
		}
		before = c.(int)
	}
}

// TestStreamHoldsTheRunOnceForAReaderThatStopped has a reader that does not read
// for an hour, and then goes on.
func TestStreamHoldsTheRunOnceForAReaderThatStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var took time.Duration
		p := single(func(ctx context.Context, _ int) (int, error) {
			for i := range 5000 {
				engine.Emit(ctx, i)
			}
			took = time.Since(began)
			time.Sleep(2 * time.Hour) // the reader has caught up by then
			for i := range 3 {
				engine.Emit(ctx, i)
			}
			return 0, nil
		})
		rec := &callbacktest.Recorder{}
		var got read[int]
		for ev := range p.Stream(t.Context(), 0, listen(rec)) {
			if len(got.events) == 0 {
				time.Sleep(time.Hour)
			}
			got.add(t, ev)
		}
		if took != time.Second {
			t.Errorf("the run was held up for %s", took)
		}
		if all := len(rec.Events()); len(got.events)+got.lost != all || got.lost == 0 {
			t.Errorf("%d read and %d lost of %d", len(got.events), got.lost, all)
		}
		if diff := cmp.Diff([]any{0, 1, 2}, got.chunks[len(got.chunks)-3:]); diff != "" {
			t.Error(diff)
		}
	})
}

// TestStreamWaitsForAReaderThatGoesOn reads an event every 900 ms.
func TestStreamWaitsForAReaderThatGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got read[int]
		for ev := range emits().Stream(t.Context(), 3000) {
			got.add(t, ev)
			time.Sleep(900 * time.Millisecond)
		}
		// The run's end may find no room, for it does not wait.
		if len(got.chunks) != 3000 || got.lost > 2 {
			t.Errorf("%d chunks, %d lost", len(got.chunks), got.lost)
		}
	})
}

// TestStreamFreesChunksThatWait ends a run whose node waits for the reader.
func TestStreamFreesChunksThatWait(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"break", "cancel", "failure"} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			fail := engine.Node("fail", func(context.Context, int) (int, error) {
				if how == "failure" {
					time.Sleep(time.Millisecond)
					return 0, errors.New("boom")
				}
				return 0, nil
			})
			emit := engine.Node("emit", func(ctx context.Context, _ int) (int, error) {
				for engine.Emit(ctx, nil) { // until the time is over
				}
				return 0, ctx.Err()
			})
			p := engine.Define("p", func(g *graph, in num) num {
				engine.Add(g, fail, in)
				return engine.Add(g, emit, in)
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var took time.Duration
			end := callbacks.Funcs{PipelineEnd: func(*callbacks.CallbackContext, callbacks.PipelineEnd) { took = time.Since(began) }}
			for range p.Stream(ctx, 0, listen(end)) {
				synctest.Wait() // the queue is full
				if how == "break" {
					break
				}
				if how == "cancel" {
					cancel()
				}
				time.Sleep(time.Minute)
			}
			if took > 10*time.Millisecond {
				t.Errorf("%s: the run went on for %s", how, took)
			}
		})
	}
}

func TestStreamReaderThatStops(t *testing.T) {
	t.Parallel()
	var running atomic.Int32
	p := single(func(ctx context.Context, _ int) (int, error) {
		running.Add(1)
		defer running.Add(-1)
		engine.Emit(ctx, "chunk")
		<-ctx.Done()
		return 0, ctx.Err()
	})
	for ev := range p.Stream(t.Context(), 0) {
		if ev.Chunk == "chunk" {
			break
		}
	}
	if n := running.Load(); n != 0 {
		t.Errorf("%d nodes run on", n)
	}

	panicked := func() (v any) {
		defer func() { v = recover() }()
		for ev := range p.Stream(t.Context(), 0) {
			if ev.Chunk == "chunk" {
				panic("reader")
			}
		}
		return nil
	}()
	if panicked != "reader" || running.Load() != 0 {
		t.Errorf("%v, %d nodes run on", panicked, running.Load())
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got read[int]
	for ev := range p.Stream(ctx, 0) {
		got.add(t, ev)
		if ev.Chunk == "chunk" {
			cancel()
		}
	}
	if !errors.Is(got.last.Err, context.Canceled) {
		t.Error(got.last.Err)
	}
	if err := callbacktest.Check(got.events); err != nil {
		t.Error(err)
	}
}

func TestStreamOfManyEmitters(t *testing.T) {
	t.Parallel()
	const items, each = 50, 200
	p := mapOf(func(ctx context.Context, n int) (int, error) {
		for i := range each {
			engine.Emit(ctx, i)
		}
		return n, nil
	})
	next := map[string]int{}
	lost, chunks := 0, 0
	for ev := range p.Stream(t.Context(), make([]int, items)) {
		lost += ev.Lost
		if ev.Hook != callbacks.HookEmit {
			continue
		}
		chunks++
		path := ev.Context.Path()
		if i := ev.Chunk.(int); i < next[path] {
			t.Fatalf("%s: %d, want %d", path, i, next[path])
		}
		next[path] = ev.Chunk.(int) + 1
	}
	if chunks+lost < items*each || len(next) != items {
		t.Errorf("%d chunks of %d items, %d lost", chunks, len(next), lost)
	}
}

// TestStreamOutlivesGoexit has a node that ends the goroutine that Run is on.
func TestStreamOutlivesGoexit(t *testing.T) {
	t.Parallel()
	p := single(func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil })
	var got read[int]
	for ev := range p.Stream(t.Context(), 0) {
		got.add(t, ev)
	}
	if _, ok := errors.AsType[*engine.Error](got.last.Err); !ok || !strings.HasPrefix(got.last.Err.Error(), "p/n: ") {
		t.Error(got.last.Err)
	}
	if err := callbacktest.Check(got.events); err != nil {
		t.Error(err)
	}
}

// brokenStore is a store that cannot even say so.
type brokenStore struct{}

func (brokenStore) Open(context.Context, runs.Header, func(runs.Header) error) (runs.Log, error) {
	panic("broken")
}

// TestStreamTellsOfABrokenStore has a panic that is not of a node.
func TestStreamTellsOfABrokenStore(t *testing.T) {
	t.Parallel()
	var got read[int]
	for ev := range emits().Stream(t.Context(), 1, engine.Config{Runs: brokenStore{}}) {
		got.add(t, ev)
	}
	if e, ok := errors.AsType[*engine.PanicError](got.last.Err); !ok || e.Value != "broken" || len(got.events) > 0 {
		t.Error(got.last.Err)
	}
}
