package callbacktest_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

type (
	event = callbacktest.Event
	list  = engine.Value[[]int]
)

var errBroken = errors.New("broken")

// recorded returns the events of a run with each kind of scope, one node of
// which fails when the input says so.
func recorded(t *testing.T, in int) []event {
	t.Helper()
	inc := func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errBroken
		}
		return n + 1, nil
	}
	inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("leaf", inc), n)
	})
	p := engine.Define("p", func(g *engine.Graph, in list) list {
		return engine.Map(g, inner, engine.Map(g, engine.Node("inc", inc), in))
	})
	rec := &callbacktest.Recorder{}
	_, _ = p.Run(t.Context(), []int{1, in}, engine.Config{Concurrency: 1, Callbacks: []callbacks.PipelineCallback{rec}})
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Fatal(err)
	}
	return rec.Events()
}

// store is a cache that holds what was put.
type store struct{ m sync.Map }

func (s *store) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	e, ok := s.m.Load(key)
	entry, _ := e.(cache.Entry)
	return entry, ok, nil
}

func (s *store) Put(_ context.Context, key string, e cache.Entry) error {
	s.m.Store(key, e)
	return nil
}

// varied returns the events of a run with retries, an emitted value, cached
// results, a skipped step and an item that a gate stopped.
func varied(t *testing.T) []event {
	t.Helper()
	same := func(_ context.Context, n int) (int, error) { return n, nil }
	a, b := engine.Node("a", same), engine.Node("b", same)
	choice := engine.Branch("choice", func(context.Context, int) (engine.Step[int, int], error) { return a, nil }, a, b)
	flaky := engine.Node("flaky", func(ctx context.Context, n int) (int, error) {
		engine.Emit(ctx, n)
		engine.Metric(ctx, "tries", float64(callbacks.FromContext(ctx).Attempt()))
		if callbacks.FromContext(ctx).Attempt() < 3 {
			return 0, errBroken
		}
		return n, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3}))
	gated := engine.Define("gated", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Gate("gate", func(_ context.Context, n int) (engine.Decision, error) {
			if n == 1 {
				return engine.StopPipeline, nil
			}
			return engine.Pass, nil
		}), n)
	})
	p := engine.Define("v", func(g *engine.Graph, in list) list {
		first := engine.Add(g, engine.Node("first", func(_ context.Context, n []int) (int, error) { return n[0], nil }), in)
		n := engine.Add(g, engine.Node("kept", same, engine.WithCache("")), engine.Add(g, flaky, engine.Add(g, choice, first)))
		engine.Add(g, engine.Node("last", same), n)
		return engine.Map(g, engine.Node("item", same, engine.WithCache("")), engine.Map(g, gated, in))
	})
	cfg := engine.Config{Runner: engine.Sequential(), Cache: &store{}}
	var rec *callbacktest.Recorder
	for range 2 {
		rec = &callbacktest.Recorder{}
		cfg.Callbacks = []callbacks.PipelineCallback{rec}
		if _, err := p.Run(t.Context(), []int{3, 1}, cfg); err != nil {
			t.Fatal(err)
		}
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Fatal(err)
	}
	return rec.Events()
}

// without returns the events but the n-th call of a hook.
func without(events []event, h callbacks.Hook, n int) []event {
	return slices.Delete(slices.Clone(events), find(events, h, n), find(events, h, n)+1)
}

func find(events []event, h callbacks.Hook, n int) int {
	for i := range events {
		if events[i].Hook == h {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return -1
}

// twice returns the events with the n-th call of a hook made again at once.
func twice(events []event, h callbacks.Hook, n int) []event {
	i := find(events, h, n)
	return slices.Insert(slices.Clone(events), i, events[i])
}

// moved returns the events with the n-th call of a hook as the last but one.
func moved(events []event, h callbacks.Hook, n int) []event {
	i := find(events, h, n)
	rest := without(events, h, n)
	return slices.Insert(rest, len(rest)-1, events[i])
}

// with returns the events with the first event of the hook changed.
func with[E any](events []event, h callbacks.Hook, change func(*E)) []event {
	c := slices.Clone(events)
	i := find(c, h, 0)
	ev := c[i].Event.(E)
	change(&ev)
	c[i].Event = ev
	return c
}

// counting returns the events with other counts at the end of the run.
func counting(events []event, change func(*callbacks.Counts)) []event {
	last := events[len(events)-1]
	end := last.Event.(callbacks.PipelineEnd)
	change(&end.Counts)
	last.Event = end
	return append(slices.Clone(events[:len(events)-1]), last)
}

// swapped returns the events with others in the place of the n-th call of a hook.
func swapped(events []event, h callbacks.Hook, n int, others ...event) []event {
	i := find(events, h, n)
	return slices.Replace(slices.Clone(events), i, i+1, others...)
}

// after returns the events with another one after the n-th call of a hook.
func after(events []event, h callbacks.Hook, n int, other callbacks.Hook, cc *callbacks.CallbackContext, ev any) []event {
	return slices.Insert(slices.Clone(events), find(events, h, n)+1, event{Hook: other, Context: cc, Event: ev})
}

// TestCheckFindsBreaks breaks each rule in a good recording. Every line of what
// Check says must begin with the rule that is broken, unless another must break
// with it.
func TestCheckFindsBreaks(t *testing.T) {
	t.Parallel()
	good, failed, varied := recorded(t, 2), recorded(t, -5), varied(t)
	root := good[0].Context
	leaf := good[find(good, callbacks.HookNodeStart, 0)].Context
	item := good[find(good, callbacks.HookMapItemStart, 0)].Context
	inner := good[find(good, callbacks.HookPipelineStart, 1)].Context
	kept := varied[find(varied, callbacks.HookNodeCached, 0)].Context
	skipped := varied[find(varied, callbacks.HookNodeSkipped, 0)].Context
	cachedItem := varied[find(varied, callbacks.HookMapItemCached, 0)].Context
	broken := callbacks.End{Result: callbacks.ResultFailure, Err: errBroken}
	other := &callbacks.CallbackContext{}
	root.Begin(other, callbacks.Scope{Kind: callbacks.KindNode, Node: leaf.Node(), Index: -1, Attempt: 1})
	in := func(h callbacks.Hook, cc *callbacks.CallbackContext) []event {
		return slices.Insert(slices.Clone(good), 1, event{Hook: h, Context: cc, Event: callbacks.NodeCached{}})
	}
	restored := func(r callbacks.Restored) []event {
		r.Kind, r.Node, r.Index, r.Attempt = callbacks.KindNode, leaf.Node(), -1, 1
		return in(callbacks.HookNodeCached, callbacks.Restore(root, root, r))
	}
	for _, tt := range []struct {
		name   string
		events []event
		want   string
		also   []string // rules that break with it
	}{
		{"no end", without(good, callbacks.HookMapItemEnd, 3), "rule 1: map_item p/inner[1]: started and never ended", []string{"rule 2", "rule 5"}},
		{"no end of the root", without(good, callbacks.HookPipelineEnd, 2), "rule 1: pipeline p: started and never ended", nil},
		{"two ends", twice(good, callbacks.HookNodeEnd, 0), "rule 1: node p/inner[0]/leaf: ended twice", nil},
		{"two starts", twice(good, callbacks.HookNodeStart, 0), "rule 1: node p/inner[0]/leaf: started twice", nil},
		{"no start", without(good, callbacks.HookNodeStart, 0), "rule 1: node p/inner[0]/leaf: ended without a start", nil},
		{
			"success with an error", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.Err = errBroken }),
			"rule 1: node p/inner[0]/leaf: result success with error broken", nil,
		},
		{"no result", with(good, callbacks.HookMapItemEnd, func(e *callbacks.MapItemEnd) { e.Result, e.Err = 0, errBroken }), "rule 1: map_item p/inc[0]: ended with result unknown", []string{"rule 5"}},
		{"negative duration", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.Duration = -1 }), "rule 1: node p/inner[0]/leaf: negative", nil},
		{"child after parent", moved(good, callbacks.HookNodeEnd, 0), "rule 2: pipeline p/inner[0]: ended before 1 of its children", nil},
		{"child before parent", without(good, callbacks.HookMapStart, 0), "rule 2: map_item p/inc[0]: started while its parent p/inc is not running", []string{"rule 1", "rule 5"}},
		{"the root last", append(slices.Clone(good[1:find(good, callbacks.HookPipelineEnd, 2)]), good[0], good[len(good)-1]), "rule 2: pipeline p: started after scopes inside it", nil},
		{"skipped after the parent", append(slices.Clone(good), event{Hook: callbacks.HookNodeSkipped, Context: again(other), Event: callbacks.NodeSkipped{}}), "rule 2: node p/leaf: started while its parent p is not running", nil},
		{"nested without start", without(good, callbacks.HookNestedPipelineStart, 0), "rule 4: pipeline p/inner[0]: OnPipelineStart of a nested pipeline without", nil},
		{"nested without end", without(good, callbacks.HookNestedPipelineEnd, 0), "rule 4: pipeline p/inner[0]: OnNestedPipelineStart without", nil},
		{
			"nested end too early", slices.Insert(slices.Clone(good), find(good, callbacks.HookPipelineEnd, 0), good[find(good, callbacks.HookNestedPipelineEnd, 0)]),
			"rule 4: pipeline p/inner[0]: OnNestedPipelineEnd, with the context of p/inner[0], not after", nil,
		},
		{
			"another end", with(good, callbacks.HookNestedPipelineEnd, func(e *callbacks.NestedPipelineEnd) { e.Result, e.Err = callbacks.ResultFailure, errBroken }),
			"rule 4: pipeline p/inner[0]: OnNestedPipelineEnd with failure, \"broken\"; OnPipelineEnd said success, no error", nil,
		},
		{
			"nested in another", swapped(good, callbacks.HookNestedPipelineStart, 0, event{Hook: callbacks.HookNestedPipelineStart, Context: root, Event: callbacks.NestedPipelineStart{Child: inner}}),
			"rule 4: pipeline p/inner[0]: OnNestedPipelineStart with the context of p, which", nil,
		},
		{
			"node hooks of a map item", swapped(good, callbacks.HookMapItemEnd, 0, event{Hook: callbacks.HookNodeEnd, Context: item, Event: callbacks.NodeEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Attempts: 1}}),
			"rule 4: map_item p/inc[0]: end of a node with the context of a map_item",
			[]string{"rule 5"},
		},
		{
			"item twice", slices.Insert(slices.Clone(varied), find(varied, callbacks.HookMapItemCached, 0)+1, event{Hook: callbacks.HookMapItemCached, Context: againItem(cachedItem), Event: callbacks.MapItemCached{}}),
			"rule 5: map_item v/item[0]: item started twice",
			[]string{"rule 8", "rule 9"},
		},
		{"wrong size", with(good, callbacks.HookMapStart, func(e *callbacks.MapStart) { e.Size = 1 }), "rule 5: map_item p/inc[1]: index 1 of a map of 1", nil},
		{"wrong counts", with(good, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Succeeded, e.Failed = 1, 1 }), "rule 5: map p/inc: counts 1 ok, 1 failed", nil},
		{"wrong sum", with(good, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Skipped = 1 }), "rule 5: map p/inc: counts 2 ok, 0 failed, 0 cached, 1 skipped of a map of 2", nil},
		{"wrong concurrency", with(good, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Concurrency = 7 }), "rule 5: map p/inc: ended with concurrency 7", nil},
		{"cached and not counted", with(varied, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Succeeded, e.Skipped = 2, 0 }), "rule 5: map v/gated: counts 2 ok, 0 failed, 0 cached, but its items say 1", nil},
		{
			"success without an item", slices.Delete(with(good, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Succeeded, e.Skipped = 1, 1 }),
				find(good, callbacks.HookMapItemStart, 1), find(good, callbacks.HookMapItemEnd, 1)+1),
			"rule 5: map p/inc: ended with success, but 1 of 2", nil,
		},
		{"cached and ended", after(varied, callbacks.HookNodeCached, 0, callbacks.HookNodeEnd, kept, callbacks.NodeEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Attempts: 1}), "rule 6: node v/kept: OnNodeEnd after OnNodeCached", nil},
		{"started and cached", after(good, callbacks.HookNodeEnd, 0, callbacks.HookNodeCached, leaf, callbacks.NodeCached{}), "rule 6: node p/inner[0]/leaf: OnNodeCached after other", nil},
		{"item cached and started", after(varied, callbacks.HookMapItemCached, 0, callbacks.HookMapItemStart, cachedItem, callbacks.MapItemStart{}), "rule 6: map_item v/item[0]: OnMapItemStart after", nil},
		{"skipped and started", after(varied, callbacks.HookNodeSkipped, 0, callbacks.HookNodeStart, skipped, callbacks.NodeStart{}), "rule 6: node v/choice/b: OnNodeStart after OnNodeSkipped", nil},
		{"ended and skipped", after(good, callbacks.HookNodeEnd, 0, callbacks.HookNodeSkipped, leaf, callbacks.NodeSkipped{}), "rule 6: node p/inner[0]/leaf: OnNodeSkipped after other", nil},
		{"skipped twice", twice(varied, callbacks.HookNodeSkipped, 0), "rule 6: node v/choice/b: OnNodeSkipped after OnNodeSkipped", nil},
		{"cached and emitting", after(varied, callbacks.HookNodeCached, 0, callbacks.HookEmit, kept, callbacks.Emit{}), "rule 6: node v/kept: OnEmit after", nil},
		{"no error", without(failed, callbacks.HookError, 0), "rule 7: map_item p/inc[1]: OnError was called 0 times, want 1", nil},
		{"error twice", twice(failed, callbacks.HookError, 0), "rule 7: map_item p/inc[1]: OnError was called 2 times, want 1", nil},
		{"error without error", with(failed, callbacks.HookError, func(e *callbacks.Failure) { e.Err = nil }), "rule 7: map_item p/inc[1]: OnError without an error", nil},
		{"error with another result", with(failed, callbacks.HookError, func(e *callbacks.Failure) { e.Result = callbacks.ResultTimeout }), "rule 7: map_item p/inc[1]: OnError with timeout, \"broken\"; ended with failure", nil},
		{
			"error of a cancellation", with(failed, callbacks.HookError, func(e *callbacks.Failure) { e.Result = callbacks.ResultCancellation }),
			"rule 7: map_item p/inc[1]: OnError with result cancellation", nil,
		},
		{"error after the end", moved(failed, callbacks.HookError, 0), "rule 7: map_item p/inc[1]: OnError outside of its Start and End", nil},
		{
			"success around a failure", with(failed, callbacks.HookPipelineEnd, func(e *callbacks.PipelineEnd) { e.Result, e.Err = callbacks.ResultSuccess, nil }),
			"rule 7: pipeline p: ended with success, but p/inc inside it failed", nil,
		},
		{
			"failure inside a success", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.End = broken }),
			"rule 7: pipeline p/inner[0]: ended with success, but p/inner[0]/leaf inside it failed", nil,
		},
		{
			"two scopes in one place", slices.Insert(in(callbacks.HookNodeCached, other), 1, event{Hook: callbacks.HookNodeCached, Context: again(other), Event: callbacks.NodeCached{}}),
			"rule 8: node p/leaf: span id",
			[]string{"rule 9"},
		},
		{"the parent's span id", restored(callbacks.Restored{Path: "p/leaf", SpanID: root.SpanID()}), "rule 8: node p/leaf: span id", nil},
		{"another trace", append(slices.Clone(good), relative(good)...), "rule 8: pipeline p: trace id", []string{"rule 2", "rule 9"}},
		{"a path elsewhere", restored(callbacks.Restored{Path: "q/leaf", SpanID: callbacks.SpanID{1}}), "rule 9: node q/leaf: path does not begin with its parent's, p", nil},
		{"a path twice", restored(callbacks.Restored{Path: leaf.Path(), SpanID: callbacks.SpanID{1}}), "rule 9: node p/inner[0]/leaf: path is used twice", nil},
		{"another depth", restored(callbacks.Restored{Path: "p/leaf", SpanID: callbacks.SpanID{1}, Depth: 1}), "rule 9: node p/leaf: depth 1, want 0", nil},
		{"no attempt", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.Attempts = 0 }), "rule 10: node p/inner[0]/leaf: ended with 0 attempts", nil},
		{"attempts of an item", with(good, callbacks.HookMapItemEnd, func(e *callbacks.MapItemEnd) { e.Attempts = 2 }), "rule 10: map_item p/inc[0]: ended with 2 attempts after 0", nil},
		{"a retry lost", without(varied, callbacks.HookNodeRetry, 1), "rule 10: node v/flaky: ended with 3 attempts after 1", nil},
		{"a retry twice", twice(varied, callbacks.HookNodeRetry, 0), "rule 10: node v/flaky: OnNodeRetry of attempt 1, want 2", nil},
		{"a retry before the start", slices.Insert(without(varied, callbacks.HookNodeRetry, 0), find(varied, callbacks.HookEmit, 0)-1, varied[find(varied, callbacks.HookNodeRetry, 0)]), "rule 10: node v/flaky: OnNodeRetry outside", nil},
		{"a retry without an error", with(varied, callbacks.HookNodeRetry, func(e *callbacks.NodeRetry) { e.Err = nil }), "rule 10: node v/flaky: OnNodeRetry without an error", nil},
		{"a retry of a pipeline", slices.Insert(slices.Clone(good), 1, event{Hook: callbacks.HookNodeRetry, Context: root, Event: callbacks.NodeRetry{Attempt: 1, Err: errBroken}}), "rule 10: pipeline p: OnNodeRetry with the context of a pipeline", nil},
		{"emitting after the end", moved(varied, callbacks.HookEmit, 0), "rule 10: node v/flaky: OnEmit outside of its Start and End", nil},
		{"emitting from a map", slices.Insert(slices.Clone(varied), find(varied, callbacks.HookMapItemCached, 0), event{Hook: callbacks.HookEmit, Context: cachedItem.Parent(), Event: callbacks.Emit{}}), "rule 10: map v/item: OnEmit with the context of a map", nil},
		{"marking after the end", after(good, callbacks.HookNodeEnd, 0, callbacks.HookMetric, leaf, callbacks.Metric{Name: "rows"}), "rule 10: node p/inner[0]/leaf: OnMetric outside of its Start and End", nil},
		{"marking a pipeline", slices.Insert(slices.Clone(good), 1, event{Hook: callbacks.HookMetric, Context: root, Event: callbacks.Metric{Name: "rows", Replayed: true}}), "rule 10: pipeline p: OnMetric with the context of a pipeline", nil},
		{"marking without a name", with(varied, callbacks.HookMetric, func(e *callbacks.Metric) { e.Name = "" }), "rule 10: node v/flaky: OnMetric without a name", nil},
		{"marking no number", with(varied, callbacks.HookMetric, func(e *callbacks.Metric) { e.Value = math.Inf(1) }), "rule 10: node v/flaky: OnMetric of tries with +Inf", nil},
		{"marking before the start", with(varied, callbacks.HookMetric, func(e *callbacks.Metric) { e.At = -1 }), "rule 10: node v/flaky: OnMetric of tries at -1ns", nil},
		{"marking what is cached", after(varied, callbacks.HookNodeCached, 0, callbacks.HookMetric, kept, callbacks.Metric{Name: "rows", Replayed: true}), "rule 6: node v/kept: OnMetric after", nil},
		{"replaying in a node that runs", with(varied, callbacks.HookMetric, func(e *callbacks.Metric) { e.Replayed = true }), "rule 10: node v/flaky: OnMetric with a value that was replayed, after other hooks", nil},
		{"replaying and running", slices.Insert(slices.Clone(good), find(good, callbacks.HookNodeStart, 0), event{Hook: callbacks.HookMetric, Context: leaf, Event: callbacks.Metric{Name: "rows", Replayed: true}}), "rule 10: node p/inner[0]/leaf: started after OnMetric with a value that was replayed", nil},
		{"replaying and skipped", slices.Insert(slices.Clone(varied), find(varied, callbacks.HookNodeSkipped, 0), event{Hook: callbacks.HookMetric, Context: skipped, Event: callbacks.Metric{Name: "rows", Replayed: true}}), "rule 10: node v/choice/b: OnMetric with a value that was replayed, and no", nil},
		{"replaying and nothing", slices.Insert(slices.Clone(good), 1, event{Hook: callbacks.HookMetric, Context: again(leaf), Event: callbacks.Metric{Name: "rows", Replayed: true}}), "rule 10: node p/inner[0]/leaf: OnMetric with a value that was replayed, and no", nil},
		{"a node that is not counted", counting(good, func(c *callbacks.Counts) { c.Nodes-- }), "rule 11: pipeline p: counts", nil},
		{"a hit that is not counted", counting(varied, func(c *callbacks.Counts) { c.Cached-- }), "rule 11: pipeline v: counts", nil},
		{"more look-ups than nodes", counting(varied, func(c *callbacks.Counts) { c.Missed = c.Nodes }), "rule 11: pipeline v: counts", nil},
		{"another count for the parent", with(good, callbacks.HookNestedPipelineEnd, func(e *callbacks.NestedPipelineEnd) { e.Nodes++ }), "rule 4: pipeline p/inner[0]: OnNestedPipelineEnd counts", nil},
		{"a negative attempt", with(varied, callbacks.HookNodeRetry, func(e *callbacks.NodeRetry) { e.Start = -1 }), "rule 10: node v/flaky: OnNodeRetry of an attempt that began at -1ns", nil},
		{"a negative delay", with(varied, callbacks.HookNodeRetry, func(e *callbacks.NodeRetry) { e.Delay = -1 }), "rule 10: node v/flaky: OnNodeRetry with the negative", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := callbacktest.Check(tt.events)
			if err == nil {
				t.Fatalf("nothing was found; want %s", tt.want)
			}
			found := false
			rule, _, _ := strings.Cut(tt.want, ":")
			for l := range strings.Lines(err.Error()) {
				found = found || strings.HasPrefix(l, tt.want)
				if got, _, _ := strings.Cut(l, ":"); got != rule && !slices.Contains(tt.also, got) {
					t.Errorf("it breaks %s only, but: %s", rule, l)
				}
			}
			if !found {
				t.Errorf("got\n%v\nwant %s", err, tt.want)
			}
		})
	}
}

// relative returns the events of another run with the same run id.
func relative(events []event) []event {
	cc := events[0].Context
	root := callbacks.NewRun(context.Background(), callbacks.RunConfig{ID: cc.RunID(), Pipeline: cc.Node()})
	return []event{
		{Hook: callbacks.HookPipelineStart, Context: root, Event: callbacks.PipelineStart{}},
		{Hook: callbacks.HookPipelineEnd, Context: root, Event: callbacks.PipelineEnd{End: callbacks.End{Result: callbacks.ResultSuccess}}},
	}
}

// againItem makes another context of the same item.
func againItem(cc *callbacks.CallbackContext) *callbacks.CallbackContext {
	c := &callbacks.CallbackContext{}
	cc.Parent().Begin(c, callbacks.Scope{Kind: cc.Kind(), Node: cc.Node(), Index: int32(cc.Index()), Attempt: 1})
	return c
}

// again makes another context of the same place.
func again(cc *callbacks.CallbackContext) *callbacks.CallbackContext {
	c := &callbacks.CallbackContext{}
	cc.Parent().Begin(c, callbacks.Scope{Kind: cc.Kind(), Node: cc.Node(), Index: -1, Attempt: 1})
	return c
}

func TestCheckIsBounded(t *testing.T) {
	t.Parallel()
	var events []event
	for range 100 {
		events = append(events, without(recorded(t, 1), callbacks.HookNodeEnd, 0)...)
	}
	if n := strings.Count(callbacktest.Check(events).Error(), "\n") + 1; n != 20 {
		t.Errorf("%d errors, want 20", n)
	}
}
