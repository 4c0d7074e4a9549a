package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// mortal is a store of runs for one process. After its death nothing is noted.
type mortal struct {
	*runs.Dir
	dead atomic.Bool
}

func (m *mortal) Open(ctx context.Context, h runs.Header, accept func(runs.Header) error) (runs.Log, error) {
	l, err := m.Dir.Open(ctx, h, accept)
	return &mortalLog{l, m}, err
}

type mortalLog struct {
	runs.Log
	*mortal
}

func (l *mortalLog) alive(f func() error) error {
	if l.dead.Load() {
		return nil
	}
	return f()
}

func (l *mortalLog) Append(r runs.Record) error {
	return l.alive(func() error { return l.Log.Append(r) })
}

func (l *mortalLog) Begin(s runs.Scope) error {
	return l.alive(func() error { return l.Log.Begin(s) })
}

func (l *mortalLog) Done(id string) error { return l.alive(func() error { return l.Log.Done(id) }) }

func (l *mortalLog) Close(result, message string) error {
	if l.dead.Load() {
		result, message = "", ""
	}
	return l.Log.Close(result, message)
}

// scopeLine is all that a span needs to know of a scope.
func scopeLine(cc *callbacks.CallbackContext) string {
	n := cc.Node()
	return fmt.Sprintf("%s %s %s in %s of %s run=%s runner=%s depth=%d index=%d round=%d %s/%s/%s/%v %s",
		cc.Kind(), cc.Path(), cc.SpanID(), cc.ParentSpanID(), cc.TraceID(), cc.RunID(), cc.Runner(), cc.Depth(), cc.Index(), cc.Iteration(),
		n.Name, n.Type, n.Signature, n.Source(), cc.Start().UTC())
}

// mortalPipeline has everything that can be open, and code that runs where that is.
func mortalPipeline(at func(path string) error) *engine.Pipeline[int, int] {
	node := func(name string, opts ...engine.Option) engine.Step[int, int] {
		return engine.Node(name, func(ctx context.Context, n int) (int, error) {
			return n, at(callbacks.FromContext(ctx).Path())
		}, opts...)
	}
	inner := engine.Define("inner", func(g *graph, n num) num { return engine.Add(g, node("b"), engine.Add(g, node("a"), n)) })
	small := node("small", engine.WithRetry(engine.Retry{Attempts: 2}))
	either := engine.Branch("either", func(context.Context, int) (engine.Step[int, int], error) { return inner, nil }, small, inner)
	loop := engine.Loop("loop", either, func(_ context.Context, n int) (bool, error) { return true, nil }, 3)
	items := engine.Node("items", func(_ context.Context, n int) ([]int, error) { return []int{1, 2, 3}, nil })
	sum := engine.Node("sum", func(_ context.Context, list []int) (int, error) { return len(list), nil })
	return engine.Define("p", func(g *graph, n num) num {
		list := engine.Map(g, loop, engine.Add(g, items, engine.Add(g, node("first"), n)))
		flat := engine.Map(g, small, list)
		return engine.Add(g, node("last"), engine.Add(g, sum, flat), engine.WithRunner(engine.Sequential()))
	})
}

// TestWhatWasRunningIsToldOf has runs whose process dies in each place, and the next
// start of the same run, or of another, which tells of what was open.
func TestWhatWasRunningIsToldOf(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"p/first", "p/loop[1]#1/either/inner/a", "p/loop[2]#1/either/inner/b", "p/small[1]", "p/last"} {
		for _, again := range []string{"r", "another"} {
			t.Run(strings.ReplaceAll(at, "/", " ")+" "+again, func(t *testing.T) {
				t.Parallel()
				toldOf(t, at, again)
			})
		}
	}
}

// inProcess opens a directory of runs as another process would.
func inProcess(t *testing.T, path string) *runs.Dir {
	t.Helper()
	dir, err := runs.Open(path, runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

func toldOf(t *testing.T, at, again string) {
	t.Helper()
	path := t.TempDir() + "/runs"
	dir := inProcess(t, path)
	store := &mortal{Dir: dir}
	rec := &callbacktest.Recorder{}
	open := map[string]bool{}
	p := mortalPipeline(func(path string) error {
		if path != at || store.dead.Swap(true) {
			return nil
		}
		for _, ev := range rec.Events() {
			switch ev.Hook {
			case callbacks.HookPipelineStart, callbacks.HookNodeStart, callbacks.HookMapStart, callbacks.HookMapItemStart:
				open[scopeLine(ev.Context)] = true
			case callbacks.HookPipelineEnd, callbacks.HookNodeEnd, callbacks.HookMapEnd, callbacks.HookMapItemEnd:
				delete(open, scopeLine(ev.Context))
			}
		}
		return errBroken
	})
	given := callbacks.NewIdentity()
	given.Parent, given.State = callbacks.SpanID{1, 7: 2}, "a=b"
	_, err := p.Run(t.Context(), 1, engine.Config{
		RunID: "r", Runs: store, Concurrency: 1, Callbacks: []callbacks.PipelineCallback{rec, identified{id: given}},
	})
	if !errors.Is(err, errBroken) && !strings.Contains(at, "small") || len(open) == 0 {
		t.Fatal(err, open)
	}

	dir = inProcess(t, path)
	rec2 := &callbacktest.Recorder{}
	_, err = p.Run(t.Context(), 1, engine.Config{RunID: again, Runs: dir, Callbacks: []callbacks.PipelineCallback{rec2}})
	if err := errors.Join(err, callbacktest.Check(rec2.Events())); err != nil {
		t.Fatal(err)
	}
	var told []string
	for i, ev := range rec2.Events() {
		e, ok := ev.Event.(callbacks.Crashed)
		if !ok {
			continue
		}
		if i > 0 && rec2.Events()[i-1].Hook != callbacks.HookCrashed {
			t.Errorf("%s is told after %s", ev.Context, rec2.Events()[i-1].Hook)
		}
		if e.Duration < 0 || e.Duration.Hours() > 1 {
			t.Errorf("%s took %s", ev.Context, e.Duration)
		}
		if id := ev.Context.Identity(); id != given {
			t.Errorf("identity %v, want %v", id, given)
		}
		told = append(told, scopeLine(ev.Context))
	}
	want := slices.Sorted(func(yield func(string) bool) {
		for line := range open {
			if !yield(line) {
				return
			}
		}
	})
	slices.Sort(told)
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told of (+), open (-)\n%s", diff)
	}

	dir = inProcess(t, path)
	rec3 := &callbacktest.Recorder{}
	if _, err := p.Run(t.Context(), 1, engine.Config{RunID: "third", Runs: dir, Callbacks: []callbacks.PipelineCallback{rec3}}); err != nil {
		t.Fatal(err)
	}
	for _, ev := range rec3.Events() {
		if ev.Hook == callbacks.HookCrashed {
			t.Error("told twice:", ev.Context)
		}
	}
}

// A start to which nobody listens leaves it to others to tell of the one before.
func TestAStartThatNobodyHearsTellsNothing(t *testing.T) {
	t.Parallel()
	for _, teller := range []string{"r", "another"} {
		path := t.TempDir() + "/runs"
		store := &mortal{Dir: inProcess(t, path)}
		p := mortalPipeline(func(path string) error {
			if path == "p/first" && !store.dead.Swap(true) {
				return errBroken
			}
			return nil
		})
		run := func(id string, s runs.Store, list ...callbacks.PipelineCallback) error {
			_, err := p.Run(t.Context(), 1, engine.Config{RunID: id, Runs: s, Callbacks: list})
			return err
		}
		if err := run("r", store, &callbacktest.Recorder{}); !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		rec := &callbacktest.Recorder{}
		err := errors.Join(run("r", inProcess(t, path)), run("r", inProcess(t, path)), run(teller, inProcess(t, path), rec))
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, ev := range rec.Events() {
			if ev.Hook == callbacks.HookCrashed {
				told = append(told, ev.Context.Path())
			}
		}
		if diff := cmp.Diff([]string{"p/first", "p"}, told); diff != "" {
			t.Errorf("%s tells (-want +got)\n%s", teller, diff)
		}
	}
}

// Of what nobody would have heard, nothing is noted or told.
func TestWithoutSpansNothingIsNotedOfCrashes(t *testing.T) {
	t.Parallel()
	dir := inProcess(t, t.TempDir()+"/runs")
	unsampled := callbacks.NewIdentity()
	unsampled.Flags = 0
	for i, first := range [][]callbacks.PipelineCallback{
		nil,
		{&callbacktest.Recorder{}, identified{id: unsampled}},
		{callbacks.Funcs{NodeStart: func(*callbacks.CallbackContext, callbacks.NodeStart) {}}},
	} {
		store := &mortal{Dir: dir}
		p := mortalPipeline(func(string) error { store.dead.Store(true); return nil })
		id := fmt.Sprint(i)
		if _, err := p.Run(t.Context(), 1, engine.Config{RunID: id, Runs: store, Callbacks: first}); err != nil {
			t.Fatal(err)
		}
		rec := &callbacktest.Recorder{}
		if _, err := p.Run(t.Context(), 1, engine.Config{RunID: id, Runs: dir, Callbacks: []callbacks.PipelineCallback{rec}}); err != nil {
			t.Fatal(err)
		}
		for _, ev := range rec.Events() {
			if ev.Hook == callbacks.HookCrashed {
				t.Error(i, ev.Context)
			}
		}
	}
}

// What a run tells of others does not depend on whether it is sampled itself.
func TestAnUnsampledRunTellsOfCrashes(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/runs"
	dir := inProcess(t, path)
	store := &mortal{Dir: dir}
	p := mortalPipeline(func(string) error { store.dead.Store(true); return nil })
	if _, err := p.Run(t.Context(), 1, engine.Config{RunID: "r", Runs: store, Callbacks: []callbacks.PipelineCallback{&callbacktest.Recorder{}}}); err != nil {
		t.Fatal(err)
	}
	unsampled := callbacks.NewIdentity()
	unsampled.Flags = 0
	dir = inProcess(t, path)
	indifferent := &unsampledRecorder{}
	if _, err := p.Run(t.Context(), 1, engine.Config{Runs: dir, Callbacks: []callbacks.PipelineCallback{indifferent, identified{id: unsampled}}}); err != nil {
		t.Fatal(err)
	}
	var hooks callbacks.Hook
	for _, ev := range indifferent.Events() {
		hooks |= ev.Hook
	}
	if hooks != callbacks.HookCrashed {
		t.Error(hooks)
	}
}

// unsampledRecorder hears nothing of runs that are not sampled.
type unsampledRecorder struct{ callbacktest.Recorder }

func (*unsampledRecorder) UnsampledHooks() callbacks.Hook { return 0 }
