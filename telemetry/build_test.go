package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/running"
	"github.com/spanloom/spanloom/privacy"
)

// record runs f with a callback and returns its spans by name.
func record(t *testing.T, c callbacks.RunConfig, f func(run *hooktest.Scope)) map[string]tracetest.SpanStub {
	t.Helper()
	return recordAfter(t, c, nil, f)
}

func recordAfter(t *testing.T, c callbacks.RunConfig, before *callbacks.Resumed, f func(run *hooktest.Scope)) map[string]tracetest.SpanStub {
	t.Helper()
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp, Resource: resource.NewSchemaless(attribute.String("service.name", "x"))})
	run := hooktest.Resume(cb, c, before)
	f(run)
	if err := run.Check(); err != nil {
		t.Fatal(err)
	}
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := byName(t, exp.GetSpans())
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return spans
}

// byName returns spans by their names, or by their paths where a name is that of
// several.
func byName(t *testing.T, list tracetest.SpanStubs) map[string]tracetest.SpanStub {
	t.Helper()
	names := map[string]int{}
	for _, s := range list {
		names[spanName(s)]++
	}
	spans := map[string]tracetest.SpanStub{}
	for _, s := range list {
		name := spanName(s)
		if path, ok := attrs(s)["spanloom.path"].(string); ok && names[name] > 1 {
			name = path
		}
		if _, ok := spans[name]; ok {
			t.Errorf("two spans %s", name)
		}
		spans[name] = s
	}
	return spans
}

// spanName returns the name of a span, with its number among its siblings.
func spanName(s tracetest.SpanStub) string {
	name := s.Name
	for _, kv := range s.Attributes {
		switch kv.Key {
		case keyMapIndex:
			name += fmt.Sprintf("[%d]", kv.Value.AsInt64())
		case keyAttemptNumber:
			name += fmt.Sprintf(" %d", kv.Value.AsInt64())
		}
	}
	return name
}

func attrs(s tracetest.SpanStub) map[string]any {
	m := map[string]any{}
	for _, kv := range s.Attributes {
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

type stackError struct{ error }

func (stackError) Stack() string     { return "goroutine 1\nmain.main" }
func (stackError) ErrorType() string { return "panic" }

var fetch = &callbacks.Node{
	Name: "fetch", Type: "func", Signature: "func(context.Context, int) (string, error)",
	Code: callbacks.Source{Function: "main.fetch", File: "/src/main.go", Line: 12},
}

// daily calls the hooks of a run with one scope of every kind.
func daily(run *hooktest.Scope) {
	run.Step(fetch).OK(2 * time.Millisecond)
	run.Cached("clean", callbacks.NodeCached{Signature: "ab12", Saved: 1500 * time.Millisecond, Reason: "cache"})
	m := run.Map("parse", 4, 2)
	m.Item(0).OK(time.Millisecond)
	m.CachedItem(1, callbacks.MapItemCached{Signature: "cd34", Reason: "resume"})
	boom := errors.New("boom")
	m.Item(2).Fail(time.Millisecond, callbacks.ResultFailure, boom)
	m.Item(3).End(callbacks.End{Result: callbacks.ResultCancellation, Err: context.Canceled})
	m.EndMap(callbacks.MapEnd{
		End:       callbacks.End{Duration: 5 * time.Millisecond, Result: callbacks.ResultFailure, Err: boom},
		Succeeded: 1, Cached: 1, Failed: 1, Skipped: 1, Concurrency: 2,
	})
	n := run.Nested("stats")
	p := stackError{errors.New("index out of range")}
	n.Node("total").Fail(time.Millisecond, callbacks.ResultError, p)
	n.End(callbacks.End{Duration: 2 * time.Millisecond, Result: callbacks.ResultError, Err: fmt.Errorf("total: %w", p)})
	run.End(callbacks.End{Duration: 9 * time.Millisecond, Result: callbacks.ResultError, Err: p})
}

func TestSpans(t *testing.T) {
	config := hooktest.Config("daily")
	config.Identity.Parent = callbacks.SpanID{0xee, 7: 0x01}
	spans := record(t, config, daily)

	run, nested, m := spans["pipeline daily"], spans["pipeline stats"], spans["map parse"]
	want := map[string]struct {
		parent string
		kind   trace.SpanKind
		status codes.Code
		events int
		attrs  map[string]any
	}{
		"pipeline daily": {"ee00000000000001", trace.SpanKindServer, codes.Error, 0, map[string]any{
			"spanloom.run.id": "4f1c2a9be07d5538", "spanloom.pipeline.name": "daily", "spanloom.runner": "local",
			"spanloom.result": "error", "error.type": "panic", "spanloom.node.count": int64(7), "spanloom.cache.hit_ratio": 1.0,
		}},
		"pipeline stats": {run.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Error, 0, map[string]any{
			"spanloom.run.id": "4f1c2a9be07d5538", "spanloom.pipeline.name": "stats", "spanloom.runner": "local",
			"spanloom.pipeline.nested": true, "spanloom.path": "daily/stats", "spanloom.depth": int64(1),
			"spanloom.result": "error", "error.type": "panic", "spanloom.node.count": int64(1),
		}},
		"node total": {nested.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Error, 1, map[string]any{
			"spanloom.node.name": "total", "spanloom.node.kind": "func", "spanloom.strategy": "parallel",
			"spanloom.path": "daily/stats/total", "spanloom.depth": int64(1), "spanloom.attempt.count": int64(1),
			"spanloom.result": "error", "error.type": "panic",
		}},
		"node fetch": {run.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Unset, 0, map[string]any{
			"spanloom.node.name": "fetch", "spanloom.node.kind": "func", "spanloom.strategy": "parallel", "spanloom.node.signature": fetch.Signature,
			"code.function.name": "main.fetch", "code.file.path": "/src/main.go", "code.line.number": int64(12),
			"spanloom.path": "daily/fetch", "spanloom.depth": int64(0), "spanloom.attempt.count": int64(1),
			"spanloom.result": "success",
		}},
		"node clean": {run.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Unset, 0, map[string]any{
			"spanloom.node.name": "clean", "spanloom.node.kind": "func", "spanloom.strategy": "parallel", "spanloom.path": "daily/clean",
			"spanloom.depth": int64(0), "spanloom.result": "success", "spanloom.cache.result": "hit",
			"spanloom.cache.key": "ab12", "spanloom.cache.saved.duration": 1.5,
		}},
		"map parse": {run.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Error, 0, map[string]any{
			"spanloom.node.name": "parse", "spanloom.node.kind": "func", "spanloom.path": "daily/parse",
			"spanloom.depth": int64(0), "spanloom.map.size": int64(4), "spanloom.map.concurrency": int64(2),
			"spanloom.map.succeeded.count": int64(1), "spanloom.map.failed.count": int64(1),
			"spanloom.map.cached.count": int64(1), "spanloom.map.skipped.count": int64(1),
			"spanloom.result": "failure", "error.type": "*errors.errorString",
		}},
		"map_item parse[0]": {m.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Unset, 0, map[string]any{
			"spanloom.node.name": "parse", "spanloom.map.index": int64(0), "spanloom.path": "daily/parse[0]",
			"spanloom.depth": int64(0), "spanloom.attempt.count": int64(1), "spanloom.result": "success",
		}},
		"map_item parse[1]": {m.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Unset, 0, map[string]any{
			"spanloom.node.name": "parse", "spanloom.map.index": int64(1), "spanloom.path": "daily/parse[1]",
			"spanloom.depth": int64(0), "spanloom.result": "success", "spanloom.cache.result": "hit", "spanloom.cache.key": "cd34",
		}},
		"map_item parse[2]": {m.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Error, 1, map[string]any{
			"spanloom.node.name": "parse", "spanloom.map.index": int64(2), "spanloom.path": "daily/parse[2]",
			"spanloom.depth": int64(0), "spanloom.attempt.count": int64(1), "spanloom.result": "failure", "error.type": "*errors.errorString",
		}},
		"map_item parse[3]": {m.SpanContext.SpanID().String(), trace.SpanKindInternal, codes.Unset, 0, map[string]any{
			"spanloom.node.name": "parse", "spanloom.map.index": int64(3), "spanloom.path": "daily/parse[3]",
			"spanloom.depth": int64(0), "spanloom.attempt.count": int64(1), "spanloom.result": "cancellation",
		}},
	}
	if len(spans) != len(want) {
		t.Errorf("%d spans, want %d", len(spans), len(want))
	}
	for name, w := range want {
		s, ok := spans[name]
		if !ok {
			t.Errorf("no span %s", name)
			continue
		}
		if got := s.Parent.SpanID().String(); got != w.parent {
			t.Errorf("%s: parent %s, want %s", name, got, w.parent)
		}
		if s.SpanKind != w.kind || s.Status.Code != w.status || len(s.Events) != w.events {
			t.Errorf("%s: kind %s, status %s, %d events; want %s, %s, %d",
				name, s.SpanKind, s.Status.Code, len(s.Events), w.kind, w.status, w.events)
		}
		if diff := cmp.Diff(w.attrs, attrs(s)); diff != "" {
			t.Errorf("%s: attributes (-want +got)\n%s", name, diff)
		}
		if s.InstrumentationScope.Name != "github.com/spanloom/spanloom" || s.InstrumentationScope.Version == "" ||
			s.InstrumentationScope.SchemaURL != semconv.SchemaURL {
			t.Errorf("%s: scope %+v", name, s.InstrumentationScope)
		}
		if s.SpanContext.TraceID() != trace.TraceID(config.Identity.TraceID) || !s.SpanContext.IsSampled() {
			t.Errorf("%s: span context %+v", name, s.SpanContext)
		}
		if s.Resource == nil || s.Resource.Len() != 1 {
			t.Errorf("%s: resource %v", name, s.Resource)
		}
	}
	if got := spans["pipeline daily"]; !got.StartTime.Equal(hooktest.Epoch) || got.EndTime.Sub(got.StartTime) != 9*time.Millisecond {
		t.Errorf("the run is from %s to %s", got.StartTime, got.EndTime)
	}
	ev := spans["node total"].Events[0]
	if diff := cmp.Diff(map[string]any{
		"exception.type": "panic", "exception.message": "index out of range", "exception.stacktrace": "goroutine 1\nmain.main",
	}, attrs(tracetest.SpanStub{Attributes: ev.Attributes})); diff != "" || ev.Name != "exception" {
		t.Errorf("event %s (-want +got)\n%s", ev.Name, diff)
	}
	if got := spans["pipeline stats"].Status.Description; got != "total: index out of range" {
		t.Errorf("status message %q", got)
	}
}

// look holds the table of attributes and spans together. It returns which are used.
func look(t *testing.T, list tracetest.SpanStubs) map[attribute.Key]bool {
	t.Helper()
	types, used := map[attribute.Key]attribute.Type{}, map[attribute.Key]bool{}
	for _, d := range table {
		types[d.key] = d.typ
	}
	check := func(name string, attributes []attribute.KeyValue) {
		for _, kv := range attributes {
			if strings.HasPrefix(string(kv.Key), "shop.") { // node code's own
				continue
			}
			used[kv.Key] = true
			if typ, ok := types[kv.Key]; !ok || typ != kv.Value.Type() {
				t.Errorf("%s: %s is a %s, in the table %s", name, kv.Key, kv.Value.Type(), typ)
			}
		}
	}
	for _, s := range list {
		check(s.Name, s.Attributes)
		for _, ev := range s.Events {
			if ev.Name != "exception" { // whose names are OpenTelemetry's
				check(s.Name+" "+ev.Name, ev.Attributes)
			}
		}
	}
	return used
}

// TestTable holds the table of attributes and the spans together.
func TestTable(t *testing.T) {
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{
		Spans: exp, Fanout: Fanout{Max: 1}, Capture: privacy.Capture{Inputs: true, Outputs: true},
		Attributes: Product{Namespace: "a", Name: "b", Version: "c", Mode: "dev"}.Attributes(),
	})
	versioned := hooktest.Config("daily")
	versioned.Pipeline.Version = "1.4"
	daily(hooktest.Start(cb, versioned))
	resumed(hooktest.Resume(cb, hooktest.Config("daily"), &callbacks.Resumed{Starts: 2}))
	marking(hooktest.Start(cb, hooktest.Config("daily")))
	run := callbacks.NewRun(t.Context(), hooktest.Config("daily"))
	cc := &callbacks.CallbackContext{}
	run.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: fetch, Index: -1, Attempt: 1})
	cc.Queue(time.Second)
	cb.OnNodeStart(cc, callbacks.NodeStart{Inputs: callbacks.NewValues(values{}, 0)})
	cb.OnNodeEnd(cc, callbacks.NodeEnd{Attempts: 1, Outputs: callbacks.NewValues(values{}, 0)})
	submit(t, cb)
	item := &callbacks.CallbackContext{}
	run.Begin(item, callbacks.Scope{Kind: callbacks.KindMapItem, Node: fetch, Index: 7, Attempt: 1})
	cb.OnMapItemEnd(item, callbacks.MapItemEnd{Attempts: 1, Label: "ann"})
	cb.OnPipelineStart(run, callbacks.PipelineStart{})
	for range running.First {
		cb.tellRunning(run.Start().Add(time.Hour))
	}
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := look(t, exp.GetSpans())
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, d := range table {
		if kept := strings.HasPrefix(string(d.key), "spanloom.sampling."); !used[d.key] && !kept { // those have a test of their own
			t.Errorf("no span has %s", d.key)
		}
		if d.brief == "" || d.on == 0 {
			t.Errorf("%s has no description", d.key)
		}
	}
}

// submit hands a job over, as a runner does.
func submit(t *testing.T, cb *Callback) {
	t.Helper()
	run := callbacks.NewRun(t.Context(), hooktest.Config("daily"))
	job := &callbacks.CallbackContext{}
	run.Begin(job, callbacks.Scope{Kind: callbacks.KindJob, Node: fetch, Index: -1, Attempt: 1})
	cb.OnNodeStart(job, callbacks.NodeStart{})
	cb.OnNodeEnd(job, callbacks.NodeEnd{Attempts: 1, End: callbacks.End{Result: callbacks.ResultSubmitted}})
}

// values is a callbacks.ValueSource.
type values struct{}

func (values) Len(int32) int     { return 1 }
func (values) At(int32, int) any { return 7 }

func TestHostileTexts(t *testing.T) {
	long := strings.Repeat("é", 300)
	spans := record(t, hooktest.Config("daily\xff"), func(run *hooktest.Scope) {
		run.Node("a\xffb").Fail(0, callbacks.ResultFailure, errors.New("\xff"+long))
		lost := errors.New("")
		run.Node("lost").Fail(0, callbacks.ResultTimeout, lost)
		run.End(callbacks.End{Result: callbacks.ResultTimeout, Err: lost})
	})
	for name, s := range spans {
		for _, text := range []string{name, s.Status.Description} {
			if !utf8.ValidString(text) {
				t.Errorf("%q is not valid UTF-8", text)
			}
		}
		for _, kv := range s.Attributes {
			if !utf8.ValidString(kv.Value.String()) {
				t.Errorf("%s: %s: %q is not valid UTF-8", name, kv.Key, kv.Value.String())
			}
		}
	}
	msg := spans["node a\uFFFDb"].Status.Description
	if n := utf8.RuneCountInString(msg); n != 256 || !strings.HasSuffix(msg, "é...") {
		t.Errorf("the message has %d characters: %q", n, msg)
	}
	if got := spans["node lost"].Status.Description; got != "timeout" {
		t.Errorf("an empty message became %q", got)
	}
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"abcde", 5, "abcde"},
		{"abcdef", 5, "ab..."},
		{"ééééé", 5, "ééééé"},
		{"éééééé", 5, "éé..."},
		{strings.Repeat("x", 100), 5, "xx..."},
		{strings.Repeat("世", 100), 5, "世世..."}, //nolint:gosmopolitan // wide on purpose
		{strings.Repeat("😀", 6), 5, "😀😀..."},
	} {
		if got := shorten(tc.in, tc.limit); got != tc.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", tc.in, tc.limit, got, tc.want)
		}
	}
}

func TestNotSampled(t *testing.T) {
	config := hooktest.Config("daily")
	config.Identity.Flags = 0
	if spans := record(t, config, daily); len(spans) != 0 {
		t.Errorf("%d spans of a run that is not sampled", len(spans))
	}
}

func TestStepsAreBounded(t *testing.T) {
	var c steps
	for range 3 * maxSteps {
		c.of(&callbacks.Node{Name: "x"})
	}
	n := 0
	c.m.Range(func(any, any) bool { n++; return true })
	if n > maxSteps {
		t.Errorf("%d steps are kept, want at most %d", n, maxSteps)
	}
}

// TestRestored: in a backend process a scope's parent may be known by its id
// alone, and the span is the same.
func TestRestored(t *testing.T) {
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp})
	run := callbacks.NewRun(t.Context(), hooktest.Config("daily"))
	cb.OnPipelineEnd(callbacks.Restore(run, nil, callbacks.Restored{
		Scope:  callbacks.Scope{Kind: callbacks.KindPipeline, Node: &callbacks.Node{Name: "stats"}, Index: -1, Attempt: 1},
		SpanID: callbacks.SpanID{2}, ParentSpanID: callbacks.SpanID{9}, Path: "daily/stats", Depth: 1,
	}), callbacks.PipelineEnd{End: callbacks.End{Result: callbacks.ResultSuccess}})
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := exp.GetSpans()[0]
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.SpanKind != trace.SpanKindInternal || s.Parent.SpanID() != (trace.SpanID{9}) || s.SpanContext.SpanID() != (trace.SpanID{2}) {
		t.Errorf("kind %s, parent %s, span id %s", s.SpanKind, s.Parent.SpanID(), s.SpanContext.SpanID())
	}
	if got := attrs(s); got["spanloom.path"] != "daily/stats" || got["spanloom.pipeline.nested"] != true {
		t.Errorf("attributes %v", got)
	}
}
