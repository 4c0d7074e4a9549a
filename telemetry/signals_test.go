package telemetry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/running"
	"github.com/spanloom/spanloom/internal/semconvtest"
)

// signal is a kind of span, or the event that tells of a step that did not run.
type signal struct {
	on    spans
	id    string
	name  string // the attribute in braces is that of the span, or of the one around
	kind  trace.SpanKind
	brief string
}

// signals are all kinds of spans.
var signals = []signal{
	{onRun, "run", "pipeline {spanloom.pipeline.name}", trace.SpanKindServer, "A run, from its start to its end."},
	{onNested, "nested_pipeline", "pipeline {spanloom.pipeline.name}", trace.SpanKindInternal, "A pipeline inside another."},
	{onNode, "node", "node {spanloom.node.name}", trace.SpanKindInternal, "A node, a branch or a loop, with all attempts."},
	{onCachedNode, "cached_node", "node {spanloom.node.name}", trace.SpanKindInternal, "A node whose stored result was used."},
	{onMap, "map", "map {spanloom.node.name}", trace.SpanKindInternal, "A map, with all its items."},
	{onItem, "map_item", "map_item {spanloom.node.name}", trace.SpanKindInternal, "An item of a map, with all attempts."},
	{onCachedItem, "cached_map_item", "map_item {spanloom.node.name}", trace.SpanKindInternal, "An item whose stored result was used."},
	{onRunning, "running", "running {spanloom.node.name}", trace.SpanKindInternal, "Says, inside the span that will be, that a run or a step has been running for long."},
	{onJob, "job", "job {spanloom.node.name}", trace.SpanKindProducer, "A node or a command that a runner hands over to another system, to run there by itself."},
	{onAttempt, "attempt", "attempt {spanloom.node.name}", trace.SpanKindInternal, "An attempt of a node or an item, where there was more than one."},
}

// canSkip are the spans around steps that did not run: pipelines, gates, branches,
// and items when a branch is mapped.
const canSkip = onPipelines | onNode | onItem

// canMark are the spans of what has code that can mark values.
const canMark = onNodes | onItems

// signalOf returns which kind of span s is.
func signalOf(s tracetest.SpanStub) spans {
	a := attrs(s)
	cached := a[string(keyCacheResult)] == "hit"
	switch word, _, _ := strings.Cut(s.Name, " "); {
	case word == "pipeline" && a[string(keyPipelineNested)] == true:
		return onNested
	case word == "pipeline":
		return onRun
	case word == "node" && cached:
		return onCachedNode
	case word == "node":
		return onNode
	case word == "map":
		return onMap
	case word == "map_item" && cached:
		return onCachedItem
	case word == "map_item":
		return onItem
	case word == "running":
		return onRunning
	case word == "job":
		return onJob
	case word == "attempt":
		return onAttempt
	default:
		return 0
	}
}

// TestRegistry holds the registry of names to the tables, and these to spans.
func TestRegistry(t *testing.T) {
	failing := heldToSpans(t)
	types := map[attribute.Type]string{
		attribute.STRING: "string", attribute.BOOL: "boolean", attribute.INT64: "int", attribute.FLOAT64: "double",
	}
	defined := semconvtest.Registry("traces", "Attributes of spans.")
	for _, d := range table {
		if strings.HasPrefix(string(d.key), "spanloom.") { // the others are OpenTelemetry's
			defined.Attributes = append(defined.Attributes, semconvtest.Define(string(d.key), types[d.typ], d.brief))
		}
	}
	refer := func(g *semconvtest.Group, on spans) {
		for _, d := range table {
			if d.on&on != 0 {
				g.Attributes = append(g.Attributes, semconvtest.Refer(string(d.key)))
			}
		}
	}
	groups := []semconvtest.Group{defined}
	for _, s := range signals {
		g := semconvtest.Group{
			ID: "span.spanloom." + s.id, Type: "span", Stability: semconvtest.Development, Brief: s.brief,
			SpanKind: s.kind.String(), Annotations: semconvtest.Annotations{SpanName: s.name},
		}
		if failing[s.on] {
			g.Events = append(g.Events, "exception")
		}
		if s.on&canSkip != 0 {
			g.Events = append(g.Events, "skip")
		}
		if s.on&canMark != 0 {
			g.Events = append(g.Events, "metric")
		}
		refer(&g, s.on)
		groups = append(groups, g)
	}
	skip := semconvtest.Group{
		ID: "event.spanloom.skip", Type: "event", Name: "skip", Stability: semconvtest.Development,
		Brief: "A step that did not run, on the span around it.",
	}
	refer(&skip, onEvent)
	metric := semconvtest.Group{
		ID: "event.spanloom.metric", Type: "event", Name: "metric", Stability: semconvtest.Development,
		Brief: "A value that the code of a node or an item has marked, on the span of that.",
	}
	refer(&metric, onMetric)
	failure := semconvtest.Group{
		ID: "event.spanloom.exception", Type: "event", Name: "exception", Stability: semconvtest.Development,
		Brief: "A failure, once, on the span in which it began.",
	}
	for _, key := range []attribute.Key{semconv.ExceptionTypeKey, semconv.ExceptionMessageKey, semconv.ExceptionStacktraceKey} {
		failure.Attributes = append(failure.Attributes, semconvtest.Refer(string(key)))
	}
	semconvtest.Hold(t, "../docs/semconv/traces.yaml", *update, append(groups, failure, metric, skip)...)
}

// heldToSpans compares spans of runs in which everything happens with the tables,
// and returns the kinds of spans on which a failure can begin.
func heldToSpans(t *testing.T) map[spans]bool {
	t.Helper()
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp})
	daily(hooktest.Start(cb, hooktest.Config("daily")))
	hooktest.Start(cb, hooktest.Config("late"))
	for range running.First {
		cb.tellRunning(hooktest.Epoch.Add(time.Hour))
	}
	resumed(hooktest.Resume(cb, hooktest.Config("daily"), &callbacks.Resumed{Starts: 2}))
	marking(hooktest.Start(cb, hooktest.Config("daily")))
	submit(t, cb)
	failing := hooktest.Start(cb, hooktest.Config("failing"))
	failing.Nested("inner").Fail(0, callbacks.ResultError, stackError{errors.New("boom")})
	branches := failing.Map("branches", 1, 0)
	item := branches.Item(0)
	item.Skipped("left", "the branch chose right")
	item.OK(0)
	branches.Fail(0, callbacks.ResultFailure, errors.New("boom"))
	failing.Skipped("never", "stopped")
	failing.Fail(0, callbacks.ResultTimeout, errors.New("boom"))
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := exp.GetSpans()
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	allowed := map[attribute.Key]spans{}
	for _, d := range table {
		allowed[d.key] = d.on
	}
	seen, failed, marked := map[spans]bool{}, map[spans]bool{}, map[spans]bool{}
	for _, s := range list {
		is := signalOf(s)
		seen[is] = true
		for _, want := range signals {
			if want.on != is {
				continue
			}
			word, key, _ := strings.Cut(strings.TrimSuffix(want.name, "}"), " {")
			if name := attrs(s)[key]; s.Name != word+" "+name.(string) || s.SpanKind != want.kind {
				t.Errorf("%s is of kind %s and has the name %v: the table says %s and %q", s.Name, s.SpanKind, name, want.kind, want.name)
			}
		}
		for _, kv := range s.Attributes {
			if allowed[kv.Key]&is == 0 {
				t.Errorf("%s has %s, which the table does not have there", s.Name, kv.Key)
			}
		}
		for _, ev := range s.Events {
			switch ev.Name {
			case "exception":
				failed[is] = true
			case "skip":
				if is&canSkip == 0 {
					t.Errorf("%s tells of a step that did not run", s.Name)
				}
				for _, kv := range ev.Attributes {
					if allowed[kv.Key]&onEvent == 0 {
						t.Errorf("the event of %s has %s, which the table does not have there", s.Name, kv.Key)
					}
				}
			case "metric":
				marked[is] = true
				for _, kv := range ev.Attributes {
					if allowed[kv.Key]&onMetric == 0 {
						t.Errorf("the event of %s has %s, which the table does not have there", s.Name, kv.Key)
					}
				}
			default:
				t.Errorf("%s has an event %s", s.Name, ev.Name)
			}
		}
	}
	for _, want := range signals {
		if !seen[want.on] {
			t.Errorf("there was no span of kind %s", want.id)
		}
		if can := want.on&canMark != 0; can != marked[want.on] {
			t.Errorf("%s has events of values: %t", want.id, !can)
		}
	}
	return failed
}
