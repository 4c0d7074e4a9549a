package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// waits is a pipeline whose nodes take as long as they are told.
func waits() *Pipeline[[]time.Duration, []int] {
	return Define("p", func(g *Graph, in Value[[]time.Duration]) Value[[]int] {
		return Map(g, Node("wait", func(_ context.Context, d time.Duration) (int, error) { time.Sleep(d); return 1, nil }), in)
	})
}

// pooled returns a crew that the pipeline would use again, or nil.
func pooled[I, O any](t *testing.T, p *Pipeline[I, O]) *crew {
	t.Helper()
	pl, err := p.def.compiled(Local())
	if err != nil {
		t.Fatal(err)
	}
	f := pl.frame()
	defer pl.frames.Put(f)
	return f.crew
}

func TestAWideRunLeavesNoLargeCrew(t *testing.T) {
	t.Parallel()
	p := waits()
	wide := make([]time.Duration, 500)
	for i := range wide {
		wide[i] = 50 * time.Millisecond
	}
	for range 5 {
		if _, err := p.Run(t.Context(), wide, Config{Concurrency: len(wide)}); err != nil {
			t.Fatal(err)
		}
		if c := pooled(t, p); c != nil && c.made > keptWorkers {
			t.Fatalf("%d workers stay", c.made)
		}
	}
}

// TestCrewSeesTheProcessors changes their number between runs, as the runtime
// does when the limit of its container changes.
func TestCrewSeesTheProcessors(t *testing.T) { //nolint:paralleltest // it changes the process
	p := waits()
	in := []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	for _, n := range []int{8, 1, 4} {
		runtime.GOMAXPROCS(n)
		seen := false
		for range 100 { // the pool may keep others too
			if _, err := p.Run(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			c := pooled(t, p)
			seen = seen || c != nil && int(c.processors.Load()) == n
		}
		if !seen {
			t.Errorf("no crew saw %d processors", n)
		}
	}
}

// TestAKeptContextHoldsNoOtherRun keeps the context of a run that went well; a
// later one fails and must be freed all the same.
func TestAKeptContextHoldsNoOtherRun(t *testing.T) {
	t.Parallel()
	type large [1 << 16]byte
	var kept context.Context
	fail := false
	p := Define("p", func(g *Graph, in Value[*large]) Value[int] {
		return Add(g, Node("n", func(ctx context.Context, _ *large) (int, error) {
			if fail {
				return 0, errors.New("broken")
			}
			kept = ctx //nolint:fatcontext // on purpose
			return 0, nil
		}), in)
	})
	if _, err := p.Run(t.Context(), &large{}); err != nil {
		t.Fatal(err)
	}
	fail = true
	var freed atomic.Bool
	func() {
		in := &large{}
		runtime.AddCleanup(in, func(struct{}) { freed.Store(true) }, struct{}{})
		if _, err := p.Run(t.Context(), in); err == nil {
			t.Error("it did not fail")
		}
	}()
	for range 1000 {
		if runtime.GC(); freed.Load() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !freed.Load() {
		t.Error("the input of the failed run is still there")
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(p)
}

// TestLateMistakesDoNotRace adds to a pipeline that is defined and runs.
func TestLateMistakesDoNotRace(t *testing.T) {
	t.Parallel()
	for range 20 {
		var late *Graph
		var v Value[int]
		pass := Gate("pass", func(context.Context, int) (Decision, error) { return Pass, nil })
		p := Define("p", func(g *Graph, in Value[int]) Value[int] { late, v = g, in; return in })
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { Collect(late, v, v) })
			all.Go(func() { Add(late, pass, v) })
			all.Go(func() { Field(late, v, func(n int) int { return n }) })
			all.Go(func() { _, _ = p.Run(t.Context(), 1) })
		}
		all.Wait()
		if _, err := p.Run(t.Context(), 1); err == nil {
			t.Fatal("the mistakes are forgotten")
		}
	}
}
