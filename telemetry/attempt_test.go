package telemetry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func TestAttempts(t *testing.T) {
	spans := recordResumed(t, callbacks.TraceID{1})
	type attempt struct {
		At, For    time.Duration // since the start of the node
		Status     codes.Code
		Message    string
		Attributes map[string]any
	}
	got := map[string]attempt{}
	for name, s := range spans {
		if !strings.HasPrefix(name, "attempt ") {
			continue
		}
		node := spans["node fetch"]
		if strings.Contains(name, "parse") {
			node = spans["map_item parse[0]"]
		}
		if s.Parent.SpanID() != node.SpanContext.SpanID() || len(s.Events) > 0 {
			t.Errorf("%s: parent %s, events %v", name, s.Parent.SpanID(), s.Events)
		}
		got[name] = attempt{s.StartTime.Sub(node.StartTime), s.EndTime.Sub(s.StartTime), s.Status.Code, s.Status.Description, attrs(s)}
	}
	place := func(name, path string, n int, more map[string]any) map[string]any {
		m := map[string]any{"spanloom.node.name": name, "spanloom.path": path, "spanloom.depth": int64(0), "spanloom.attempt.number": int64(n)}
		maps.Copy(m, more)
		return m
	}
	want := map[string]attempt{
		"attempt fetch 1": {0, time.Millisecond, codes.Error, "busy", place("fetch", "daily/fetch", 1, map[string]any{
			"error.type": "*errors.errorString",
		})},
		"attempt fetch 2": {time.Second, time.Millisecond, codes.Error, "worse", place("fetch", "daily/fetch", 2, map[string]any{
			"error.type": "panic", "spanloom.attempt.delay": 1.5,
		})},
		"attempt fetch 3": {time.Second + time.Millisecond, time.Hour - time.Second - time.Millisecond, codes.Unset, "", place("fetch", "daily/fetch", 3, map[string]any{
			"spanloom.attempt.delay": 0.0,
		})},
		"attempt parse 1": {0, time.Millisecond, codes.Error, "busy", place("parse", "daily/parse[0]", 1, map[string]any{
			"error.type": "*errors.errorString",
		})},
		"attempt parse 2": {time.Millisecond, time.Minute - time.Millisecond, codes.Unset, "", place("parse", "daily/parse[0]", 2, map[string]any{
			"spanloom.attempt.delay": 0.0,
		})},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestAttemptContexts: what the code of an attempt finds in its context is a span
// that is exported, whether or not it has a time limit and others follow.
func TestAttemptContexts(t *testing.T) {
	for _, limit := range []engine.Option{nil, engine.WithTimeout(time.Minute)} {
		for _, fails := range []int{0, 1, 3} {
			t.Run(fmt.Sprint(limit != nil, fails), func(t *testing.T) {
				exp := tracetest.NewInMemoryExporter()
				cb := NewCallback(Exporters{Spans: exp})
				var found []trace.SpanID
				opts := []engine.Option{engine.WithRetry(engine.Retry{Attempts: 4})}
				if limit != nil {
					opts = append(opts, limit)
				}
				flaky := engine.Node("flaky", func(ctx context.Context, _ int) (int, error) {
					found = append(found, trace.SpanContextFromContext(ctx).SpanID())
					if len(found) <= fails {
						return 0, errors.New("busy")
					}
					return 1, nil
				}, opts...)
				p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, flaky, n) })
				if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{cb}}); err != nil {
					t.Fatal(err)
				}
				if err := cb.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				spans := map[trace.SpanID]tracetest.SpanStub{}
				attempts := 0
				for _, s := range exp.GetSpans() {
					spans[s.SpanContext.SpanID()] = s
					if strings.HasPrefix(s.Name, "attempt") {
						attempts++
						around := spans[s.Parent.SpanID()]
						if around.Name != "" && (s.StartTime.Before(around.StartTime) || s.EndTime.After(around.EndTime)) {
							t.Errorf("an attempt from %s to %s in %s to %s", s.StartTime, s.EndTime, around.StartTime, around.EndTime)
						}
					}
				}
				want := 0
				if fails > 0 {
					want = fails + 1
				}
				if attempts != want {
					t.Errorf("%d attempts, want %d", attempts, want)
				}
				for i, id := range found {
					name := "node flaky"
					if i > 0 {
						name = "attempt flaky"
					}
					if spans[id].Name != name {
						t.Errorf("attempt %d has a span %q in its context, want %s", i+1, spans[id].Name, name)
					}
				}
				if err := cb.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
