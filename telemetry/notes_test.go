package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// resumed calls the hooks of a run that goes on, with what needs more than an
// End to be told.
func resumed(run *hooktest.Scope) {
	n := run.Looked("fetch", callbacks.CacheLookup{Signature: "ab12", Reason: "input 1 is new"})
	n.Retry(1, 1500*time.Millisecond, errors.New("busy"))
	n.Retry(2, 0, stackError{errors.New("worse")})
	n.EndAttempts(callbacks.End{Duration: time.Hour, Result: callbacks.ResultSuccess}, 3)
	m := run.Map("parse", 2, 0)
	i := m.LookedItem(0, callbacks.CacheLookup{Bypass: true, Reason: "no cache"})
	i.Retry(1, 0, errors.New("busy"))
	i.EndAttempts(callbacks.End{Duration: time.Minute, Result: callbacks.ResultSuccess}, 2)
	m.Item(1).Stop(time.Millisecond)
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Succeeded: 1, Skipped: 1})
	b := run.Node("choose")
	b.SkippedStep(callbacks.KindMap, "left", "the branch chose \"right\"")
	b.Node("right").OK(0)
	b.OK(time.Hour)
	l := run.Node("poll")
	l.Round(2)
	l.Node("ask").OK(0)
	l.OK(0)
	s := run.NestedOn("stats", "sequential")
	s.Stop(time.Millisecond)
	run.Skipped("publish", "it needs \xff")
	run.Stop(time.Hour)
}

func recordResumed(t *testing.T, first callbacks.TraceID) map[string]tracetest.SpanStub {
	t.Helper()
	c := hooktest.Config("daily")
	c.Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return recordAfter(t, c, &callbacks.Resumed{Starts: 2, TraceID: first, SpanID: callbacks.SpanID{5}}, resumed)
}

type event struct {
	Name       string
	At         time.Duration // since the span's start
	Attributes map[string]any
}

func events(s tracetest.SpanStub) (list []event) {
	for _, e := range s.Events {
		list = append(list, event{e.Name, e.Time.Sub(s.StartTime), attrs(tracetest.SpanStub{Attributes: e.Attributes})})
	}
	return list
}

func TestSkippedSteps(t *testing.T) {
	spans := recordResumed(t, callbacks.TraceID{1})
	for name, want := range map[string][]event{
		"node choose": {{"skip", 0, map[string]any{
			"spanloom.node.name": "left", "spanloom.path": "daily/choose/left", "spanloom.skip.reason": `the branch chose "right"`,
		}}},
		"pipeline daily": {{"skip", time.Millisecond, map[string]any{
			"spanloom.node.name": "publish", "spanloom.path": "daily/publish", "spanloom.skip.reason": "it needs \uFFFD",
		}}},
		"node right": nil,
	} {
		if diff := cmp.Diff(want, events(spans[name])); diff != "" {
			t.Errorf("events of %s (-want +got)\n%s", name, diff)
		}
	}
	for name, s := range spans {
		if strings.HasPrefix(name, "attempt") {
			continue
		}
		if s.Status.Code != codes.Unset {
			t.Errorf("%s has status %s", name, s.Status.Code)
		}
	}
	for name, want := range map[string]map[string]any{
		"node fetch":        {"spanloom.cache.result": "miss", "spanloom.cache.key": "ab12", "spanloom.attempt.count": int64(3)},
		"map_item parse[0]": {"spanloom.cache.result": "bypass", "spanloom.cache.key": nil, "spanloom.attempt.count": int64(2)},
		"map_item parse[1]": {"spanloom.cache.result": nil, "spanloom.result": "skip"},
		"node ask":          {"spanloom.path": "daily/poll#2/ask"},
		"pipeline stats":    {"spanloom.runner": "sequential", "spanloom.result": "skip"},
		"pipeline daily":    {"spanloom.runner": "local", "spanloom.result": "skip"},
	} {
		for key, value := range want {
			if got := attrs(spans[name])[key]; got != value {
				t.Errorf("%s: %s is %v, want %v", name, key, got, value)
			}
		}
	}
}

// TestResumed: a run that goes on in another trace leads to where it was before.
func TestResumed(t *testing.T) {
	here := hooktest.Config("daily").Identity.TraceID
	for _, tc := range []struct {
		first callbacks.TraceID
		links int
	}{{here, 0}, {callbacks.TraceID{1}, 1}, {callbacks.TraceID{}, 0}} {
		for name, s := range recordResumed(t, tc.first) {
			links, starts := 0, any(nil)
			if name == "pipeline daily" {
				links, starts = tc.links, int64(3)
			}
			if got := attrs(s)["spanloom.run.start.count"]; got != starts || len(s.Links) != links {
				t.Errorf("after %s: %s has start %v and %d links, want %v and %d", tc.first, name, got, len(s.Links), starts, links)
			}
			if links > 0 && (s.Links[0].SpanContext.TraceID() != trace.TraceID(tc.first) || s.Links[0].SpanContext.SpanID() != trace.SpanID{5}) {
				t.Errorf("link to %v", s.Links[0].SpanContext)
			}
		}
	}
}

func TestNotesAreBounded(t *testing.T) {
	var n notes
	root := callbacks.NewRun(t.Context(), hooktest.Config("daily"))
	for i := range 2 * maxNoted {
		cc := &callbacks.CallbackContext{}
		root.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: fetch, Index: int32(i)})
		n.event(cc, sdktrace.Event{})
	}
	if len(n.of) != maxNoted || n.count.Load() != maxNoted {
		t.Errorf("%d notes are kept, want %d", len(n.of), maxNoted)
	}
	spans := record(t, hooktest.Config("daily"), func(run *hooktest.Scope) {
		f := run.Node("fetch")
		for i := range maxEvents + 5 {
			f.SkippedStep(callbacks.KindNode, fmt.Sprint("step", i), strings.Repeat("x", 1000))
		}
		boom := errors.New("boom")
		f.Fail(0, callbacks.ResultFailure, boom)
		run.End(callbacks.End{Result: callbacks.ResultFailure, Err: boom})
	})
	s := spans["node fetch"]
	if len(s.Events) != maxEvents+1 || s.DroppedEvents != 5 || s.Events[maxEvents].Name != "exception" {
		t.Errorf("%d events, %d dropped", len(s.Events), s.DroppedEvents)
	}
}

// TestNotesEnd: nothing is left when a run has ended.
func TestNotesEnd(t *testing.T) {
	cb := NewCallback(Exporters{Spans: tracetest.NewInMemoryExporter()})
	for seed := range uint64(50) {
		if seed%7 != 6 { // those were started by a node that is never heard of
			hooktest.Random(cb, seed)
		}
	}
	if cb.notes.any() || len(cb.notes.of) > 0 {
		t.Errorf("%d notes are left", len(cb.notes.of))
	}
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
