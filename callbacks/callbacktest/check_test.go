package callbacktest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

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

// TestCheckFindsBreaks breaks each rule in a good recording.
func TestCheckFindsBreaks(t *testing.T) {
	t.Parallel()
	good, failed := recorded(t, 2), recorded(t, -5)
	other := &callbacks.CallbackContext{}
	good[0].Context.Begin(other, callbacks.Scope{Kind: callbacks.KindNode, Node: good[find(good, callbacks.HookNodeStart, 0)].Context.Node(), Index: -1, Attempt: 1})
	for _, tt := range []struct {
		name   string
		events []event
		want   string
	}{
		{"no end", without(good, callbacks.HookNodeEnd, 0), "rule 1: node p/inner[0]/leaf: started and never ended"},
		{"two ends", twice(good, callbacks.HookNodeEnd, 0), "rule 1: node p/inner[0]/leaf: ended twice"},
		{"two starts", twice(good, callbacks.HookNodeStart, 0), "rule 1: node p/inner[0]/leaf: started twice"},
		{"no start", without(good, callbacks.HookNodeStart, 0), "rule 1: node p/inner[0]/leaf: ended without a start"},
		{
			"success with an error", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.Err = errBroken }),
			"rule 1: node p/inner[0]/leaf: result success with error broken",
		},
		{"negative duration", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.Duration = -1 }), "rule 1: node p/inner[0]/leaf: negative"},
		{"no attempt", with(good, callbacks.HookNodeEnd, func(e *callbacks.NodeEnd) { e.Attempts = 0 }), "rule 1: node p/inner[0]/leaf: OnNodeEnd with 0"},
		{"child after parent", moved(good, callbacks.HookMapItemEnd, 0), "rule 2: map p/inc: ended before 1 of its children"},
		{"child before parent", without(good, callbacks.HookMapStart, 0), "rule 2: map_item p/inc[0]: started while its parent p/inc is not running"},
		{"nested without start", without(good, callbacks.HookNestedPipelineStart, 0), "rule 4: pipeline p/inner[0]: OnPipelineStart of a nested pipeline without"},
		{"nested without end", without(good, callbacks.HookNestedPipelineEnd, 0), "rule 4: pipeline p/inner[0]: OnNestedPipelineStart without"},
		{
			"nested end too early", slices.Insert(slices.Clone(good), find(good, callbacks.HookPipelineEnd, 0), good[find(good, callbacks.HookNestedPipelineEnd, 0)]),
			"rule 4: pipeline p/inner[0]: OnNestedPipelineEnd, with the context of p/inner[0], not after",
		},
		{"item twice", twice(good, callbacks.HookMapItemStart, 0), "rule 5: map_item p/inc[0]: item started twice"},
		{"wrong size", with(good, callbacks.HookMapStart, func(e *callbacks.MapStart) { e.Size = 1 }), "rule 5: map_item p/inc[1]: index 1 of a map of 1"},
		{"wrong counts", with(good, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Succeeded, e.Failed = 1, 1 }), "rule 5: map p/inc: counts 1 ok, 1 failed"},
		{"wrong sum", with(good, callbacks.HookMapEnd, func(e *callbacks.MapEnd) { e.Skipped = 1 }), "rule 5: map p/inc: counts 2 ok, 0 failed, 0 cached, 1 skipped of a map of 2"},
		{
			"cached and started", append(slices.Clone(good[:find(good, callbacks.HookNodeEnd, 0)]),
				event{Hook: callbacks.HookNodeCached, Context: good[find(good, callbacks.HookNodeStart, 0)].Context, Event: callbacks.NodeCached{}}),
			"rule 1: node p/inner[0]/leaf: started twice",
		},
		{"no error", without(failed, callbacks.HookError, 0), "rule 7: map_item p/inc[1]: OnError was called 0 times, want 1"},
		{"error twice", twice(failed, callbacks.HookError, 0), "rule 7: map_item p/inc[1]: OnError was called 2 times, want 1"},
		{"error without error", with(failed, callbacks.HookError, func(e *callbacks.Failure) { e.Err = nil }), "rule 7: map_item p/inc[1]: OnError without an error"},
		{
			"error of a cancellation", with(failed, callbacks.HookError, func(e *callbacks.Failure) { e.Result = callbacks.ResultCancellation }),
			"rule 7: map_item p/inc[1]: OnError with result cancellation",
		},
		{
			"two scopes in one place", slices.Insert(slices.Clone(good), 1,
				event{Hook: callbacks.HookNodeCached, Context: other, Event: callbacks.NodeCached{}},
				event{Hook: callbacks.HookNodeCached, Context: again(other), Event: callbacks.NodeCached{}}),
			"rule 8: node p/leaf: span id",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := callbacktest.Check(tt.events)
			if err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(l string) bool { return strings.HasPrefix(l, tt.want) }) {
				t.Errorf("got\n%v\nwant %s", err, tt.want)
			}
		})
	}
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
