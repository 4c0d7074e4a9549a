package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// shelf is a cache.Store that can be broken.
type shelf struct {
	mu       sync.Mutex
	m        map[string]cache.Entry
	get, put func() error
}

func (s *shelf) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	if s.get != nil {
		return cache.Entry{}, true, s.get()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.m[key]
	return e, ok, nil
}

func (s *shelf) Put(_ context.Context, key string, e cache.Entry) error {
	if s.put != nil {
		return s.put()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]cache.Entry{}
	}
	s.m[key] = e
	return nil
}

// counted is a node that counts its calls.
func counted[I, O any](calls *atomic.Int32, name string, fn func(I) O, opts ...engine.Option) engine.Step[I, O] {
	return engine.Node(name, func(_ context.Context, in I) (O, error) {
		calls.Add(1)
		return fn(in), nil
	}, opts...)
}

func reasons(rec *callbacktest.Recorder) (list []string) {
	for _, ev := range rec.Events() {
		switch e := ev.Event.(type) {
		case callbacks.NodeStart:
			if e.Cache != nil {
				list = append(list, e.Cache.Reason)
			}
		case callbacks.NodeCached:
			list = append(list, "hit: "+e.Reason)
		}
	}
	return list
}

func TestCacheKeepsResults(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	var calls atomic.Int32
	p := func(version string) *engine.Pipeline[int, int] {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, counted(&calls, "zero", func(int) int { return 0 }), n, engine.WithCache(version))
		})
	}
	for i, tt := range []struct {
		in      int
		version string
		calls   int32
		reason  string
	}{
		{1, "v1", 1, "there is no result of this step yet"},
		{1, "v1", 1, "hit: cache"}, // a zero value is a hit
		{2, "v1", 2, "input 1 is new"},
		{2, "v2", 3, `the version is "v2", it was "v1"`},
		{1, "v1", 3, "hit: cache"},
	} {
		rec := &callbacktest.Recorder{}
		got, err := p(tt.version).Run(t.Context(), tt.in, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
		if got != 0 || err != nil || calls.Load() != tt.calls || fmt.Sprint(reasons(rec)) != "["+tt.reason+"]" {
			t.Error(i, got, err, calls.Load(), reasons(rec))
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	}
}

func TestCacheBypasses(t *testing.T) {
	t.Parallel()
	type hidden struct{ n int }
	for _, tt := range []struct {
		step engine.Step[any, int]
		want string
	}{
		{engine.Node("any", func(context.Context, any) (int, error) { return 1, nil }), "input 1 cannot be part of a key: the value of type interface {} would come back from JSON as something else"},
	} {
		p := engine.Define("p", func(g *graph, v engine.Value[any]) num { return engine.Add(g, tt.step, v, engine.WithCache("")) })
		rec := &callbacktest.Recorder{}
		if _, err := p.Run(t.Context(), hidden{1}, engine.Config{Cache: &shelf{}, Callbacks: []callbacks.PipelineCallback{rec}}); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(reasons(rec)); got != "["+tt.want+"]" {
			t.Error(got)
		}
	}
}

func TestABrokenCacheIsAMiss(t *testing.T) {
	t.Parallel()
	fail := func() error { return errBroken }
	blow := func() error { panic("broken") }
	for i, store := range []*shelf{{get: fail}, {put: fail}, {get: blow}, {put: blow}, {get: func() error { return nil }}, {get: func() error { return cache.ErrCorrupt }}} {
		p := engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, engine.Node("inc", increment), n, engine.WithCache(""))
		})
		rec := &callbacktest.Recorder{}
		got, err := p.Run(t.Context(), 1, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{rec}})
		if got != 2 || err != nil {
			t.Error(i, got, err)
		}
		t.Log(reasons(rec))
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	}
}

func TestEqualItemsComputeOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	slow := counted(&calls, "slow", func(n int) int { time.Sleep(time.Millisecond); return n * 2 })
	p := engine.Define("p", func(g *graph, n engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, slow, n, engine.WithCache(""))
	})
	in := make([]int, 1000)
	for i := range in {
		in[i] = i % 3
	}
	rec := &callbacktest.Recorder{}
	got, err := p.Run(t.Context(), in, engine.Config{Cache: &shelf{}, Callbacks: []callbacks.PipelineCallback{rec}})
	if err != nil || calls.Load() != 3 || got[999] != 0 || got[998] != 4 {
		t.Error(err, calls.Load())
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	for _, ev := range rec.Events() {
		if e, ok := ev.Event.(callbacks.MapEnd); ok && (e.Cached != 997 || e.Succeeded != 3) {
			t.Error(e)
		}
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	broken := true
	p := engine.Define("p", func(g *graph, n num) num {
		a := engine.Add(g, counted(&calls, "a", func(n int) int { return n + 1 }), n)
		b := engine.Add(g, engine.Node("b", func(_ context.Context, n int) (int, error) {
			if broken {
				return 0, errBroken
			}
			return n * 10, nil
		}), engine.Add(g, parity, a))
		return b
	})
	var trace []callbacks.TraceID
	for i := range 3 {
		rec := &callbacktest.Recorder{}
		got, err := p.Run(t.Context(), 4, engine.Config{RunID: "r", Runs: dir, Callbacks: []callbacks.PipelineCallback{rec}})
		if i == 0 && !errors.Is(err, errBroken) || i > 0 && (got != 160 || err != nil) {
			t.Error(i, got, err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
		t.Log(told(rec))
		trace = append(trace, rec.Events()[0].Context.TraceID())
		if start := rec.Events()[0].Event.(callbacks.PipelineStart); i > 0 && (start.Resumed == nil || start.Resumed.Starts != i) {
			t.Error(start)
		}
		broken = false
	}
	if calls.Load() != 1 || trace[0] != trace[1] || trace[0] != trace[2] {
		t.Error(calls.Load(), trace)
	}
	_, err = p.Run(t.Context(), 5, engine.Config{RunID: "r", Runs: dir})
	if err == nil || err.Error() != `run "r" cannot go on: its input is another; take another Config.RunID for a new run` {
		t.Error(err)
	}
}
