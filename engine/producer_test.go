package engine_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/cache/disk"
	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// spanOf is a span in its trace.
type spanOf struct {
	trace callbacks.TraceID
	span  callbacks.SpanID
}

// computed returns the spans of nodes and items that ran, and the ones to which
// those with a stored result lead, by path.
func computed(rec *callbacktest.Recorder) (ran, led map[string]spanOf) {
	ran, led = map[string]spanOf{}, map[string]spanOf{}
	for _, ev := range rec.Events() {
		cc := ev.Context
		switch e := ev.Event.(type) {
		case callbacks.NodeEnd:
			ran[cc.Path()] = spanOf{cc.TraceID(), cc.SpanID()}
		case callbacks.MapItemEnd:
			ran[cc.Path()] = spanOf{cc.TraceID(), cc.SpanID()}
		case callbacks.NodeCached:
			led[cc.Path()] = spanOf{e.TraceID, e.SpanID}
		case callbacks.MapItemCached:
			led[cc.Path()] = spanOf{e.TraceID, e.SpanID}
		}
	}
	return ran, led
}

// led fails unless each path, and nothing else, leads to the span that it had.
func leads(t *testing.T, led, to map[string]spanOf, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if got, want := led[path], to[path]; got != want || want == (spanOf{}) {
			t.Errorf("%s leads to %v, want %v", path, got, want)
		}
	}
	if len(led) != len(paths) {
		t.Errorf("%d had a stored result, want %d: %v", len(led), len(paths), led)
	}
}

// priced is a node and a map with a cache.
func priced() *engine.Pipeline[[]int, int] {
	one := engine.Node("one", func(_ context.Context, n int) (int, error) { return 2 * n, nil }, engine.WithCache("1"))
	sum := engine.Node("sum", func(_ context.Context, list []int) (s int, _ error) {
		for _, n := range list {
			s += n
		}
		return s, nil
	}, engine.WithCache("1"))
	return engine.Define("p", func(g *graph, list engine.Value[[]int]) num { return engine.Add(g, sum, engine.Map(g, one, list)) })
}

var pricedPaths = []string{"p/one[0]", "p/one[1]", "p/sum"}

func TestAStoredResultLeadsToWhatComputedIt(t *testing.T) {
	t.Parallel()
	inMemory, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := disk.Open(filepath.Join(t.TempDir(), "cache"), disk.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer onDisk.Close()
	for name, store := range map[string]cache.Store{"memory": inMemory, "disk": onDisk} {
		p := priced()
		run := func() (ran, led map[string]spanOf) {
			rec := &callbacktest.Recorder{}
			_, err := p.Run(t.Context(), []int{1, 2}, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
			if err := errors.Join(err, callbacktest.Check(rec.Events())); err != nil {
				t.Fatal(name, err)
			}
			return computed(rec)
		}
		first, led := run()
		leads(t, led, first)
		for range 2 { // a hit is not what computed it
			ran, led := run()
			leads(t, led, first, pricedPaths...)
			if len(ran) > 0 {
				t.Errorf("%s: %v ran", name, ran)
			}
		}
	}
}

// What is not sampled has no span to lead to.
func TestAStoredResultWithoutSpanLeadsNowhere(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	unsampled := callbacks.NewIdentity()
	unsampled.Flags = 0
	for _, first := range []engine.Config{
		{Cache: store, Callbacks: []callbacks.PipelineCallback{&callbacktest.Recorder{}, identified{id: unsampled}}},
		{Cache: &shelf{}},
	} {
		rec := &callbacktest.Recorder{}
		second := engine.Config{Cache: first.Cache, Callbacks: []callbacks.PipelineCallback{rec}}
		for _, cfg := range []engine.Config{first, second} {
			if _, err := priced().Run(t.Context(), []int{1, 2}, cfg); err != nil {
				t.Fatal(err)
			}
		}
		_, led := computed(rec)
		for path, to := range led {
			if to != (spanOf{}) {
				t.Errorf("%s leads to %v", path, to)
			}
		}
		if len(led) != len(pricedPaths) {
			t.Error(led)
		}
	}
}

// Two items compute the same at once: one of them waits, and leads to the other.
func TestWhoWaitsLeadsToWhoComputes(t *testing.T) {
	t.Parallel()
	rec := &callbacktest.Recorder{}
	began, release := make(chan struct{}), make(chan struct{})
	slow := engine.Node("slow", func(_ context.Context, n int) (int, error) {
		close(began)
		<-release
		return n, nil
	}, engine.WithCache("1"))
	p := engine.Define("p", func(g *graph, list engine.Value[[]int]) engine.Value[[]int] { return engine.Map(g, slow, list) })
	go func() {
		<-began
		close(release)
	}()
	cfg := engine.Config{Cache: &shelf{}, Callbacks: []callbacks.PipelineCallback{rec}}
	if _, err := p.Run(t.Context(), []int{7, 7, 7}, cfg); err != nil {
		t.Fatal(err)
	}
	ran, led := computed(rec)
	if len(ran) != 1 || len(led) != 2 {
		t.Fatal(ran, led)
	}
	for _, leader := range ran {
		for path, to := range led {
			if to != leader {
				t.Errorf("%s leads to %v, want %v", path, to, leader)
			}
		}
	}
}

// TestAResumedNodeLeadsToWhatComputedIt has a run that fails twice: what is
// finished leads to the start that did it, in whatever trace that was.
func TestAResumedNodeLeadsToWhatComputedIt(t *testing.T) {
	t.Parallel()
	for _, newTrace := range []bool{false, true} {
		dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		var starts atomic.Int32
		stage := func(name string, from int32) engine.Step[int, int] {
			return engine.Node(name, func(_ context.Context, n int) (int, error) {
				if starts.Load() < from {
					return 0, errBroken
				}
				return n, nil
			})
		}
		p := engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, stage("c", 3), engine.Add(g, stage("b", 2), engine.Add(g, stage("a", 1), n)))
		})
		store := &shelf{}
		before := map[string]spanOf{}
		for _, paths := range [][]string{{}, {"p/a"}, {"p/a", "p/b"}} {
			starts.Add(1)
			rec := &callbacktest.Recorder{}
			_, err := p.Run(t.Context(), 1, engine.Config{
				RunID: "r", Runs: dir, NewTrace: newTrace, Cache: store, Callbacks: []callbacks.PipelineCallback{rec},
			})
			if (err == nil) != (starts.Load() == 3) {
				t.Fatal(err)
			}
			if err := callbacktest.Check(rec.Events()); err != nil {
				t.Fatal(err)
			}
			ran, led := computed(rec)
			leads(t, led, before, paths...)
			maps.Copy(before, ran)
		}
		if (before["p/a"].trace != before["p/c"].trace) != newTrace {
			t.Error(newTrace, before)
		}
	}
}

// A result that came from the cache, and was kept with the run, leads to what
// computed it when the run goes on.
func TestAResumedHitLeadsToWhatComputedIt(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	fails := true
	one := engine.Node("one", func(_ context.Context, n int) (int, error) { return n, nil }, engine.WithCache("1"))
	two := engine.Node("two", func(_ context.Context, n int) (int, error) {
		if fails {
			return 0, errBroken
		}
		return n, nil
	})
	p := engine.Define("p", func(g *graph, n num) num { return engine.Add(g, two, engine.Add(g, one, n)) })
	store := &shelf{}
	var first map[string]spanOf
	for i, id := range []string{"maker", "user", "user"} {
		fails = i < 2
		rec := &callbacktest.Recorder{}
		_, err := p.Run(t.Context(), 1, engine.Config{RunID: id, Runs: dir, Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
		if (err != nil) != fails {
			t.Fatal(err)
		}
		ran, led := computed(rec)
		if i == 0 {
			first = ran
			continue
		}
		leads(t, led, first, "p/one")
	}
}
