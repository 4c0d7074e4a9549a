package console

import (
	"strings"
	"testing"
	"time"
	"unicode"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// said prints a log record at ms milliseconds.
func said(t *testing.T, in *instance, ms int, r *logspb.LogRecord) {
	t.Helper()
	r.TimeUnixNano = uint64(hooktest.Epoch.Add(time.Duration(ms) * time.Millisecond).UnixNano())
	err := in.OnLogs(t.Context(), &collogspb.ExportLogsServiceRequest{
		ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{r}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func number(n int64) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}
}

// record returns a record of a step.
func record(cc *callbacks.CallbackContext, level int32, message string, attrs ...*commonpb.KeyValue) *logspb.LogRecord {
	trace, span := cc.TraceID(), cc.SpanID()
	return &logspb.LogRecord{
		SeverityNumber: logspb.SeverityNumber(level), Body: text(message), Attributes: attrs,
		TraceId: trace[:], SpanId: span[:],
	}
}

func attr(key string, v *commonpb.AnyValue) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: v}
}

const debug, info, warn, failure = 5, 9, 13, 17

// logged is a run in which records are made in all sorts of places.
func logged(t *testing.T, in *instance) {
	t.Helper()
	run := hooktest.Start(in, hooktest.Config("daily"))
	said(t, in, 0, record(run.CallbackContext, info, "started"))
	fetch := run.Node("fetch")
	said(t, in, 1, record(fetch.CallbackContext, debug, "page fetched", attr("page", number(3)), attr("url", text("https://example.com/a b")),
		attr(keyRunID, text(fetch.RunID())), attr(keyPath, text(fetch.Path()))))
	own := record(fetch.CallbackContext, warn, "in a span of the program", attr(keyPath, text("daily/fetch")))
	own.SpanId = []byte("12345678")
	said(t, in, 2, own)
	fetch.OK(2 * time.Millisecond)
	m := run.Map("parse", 2, 0)
	m.Item(0).OK(0)
	item := m.Item(1)
	said(t, in, 3, record(item.CallbackContext, failure, "bad row", attr("row", number(7))))
	inner := item.Nested("parse")
	open := inner.Node("open")
	said(t, in, 4, record(open.CallbackContext, info, "opened"))
	open.OK(time.Millisecond)
	inner.OK(time.Millisecond)
	item.OK(time.Millisecond)
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Duration: 5 * time.Millisecond, Result: callbacks.ResultSuccess}, Succeeded: 2})
	said(t, in, 6, record(fetch.CallbackContext, info, "late", attr(keyPath, text("daily/fetch"))))
	unknown := record(run.CallbackContext, info, "of a span that nobody knows")
	unknown.SpanId = []byte("87654321")
	said(t, in, 7, unknown)
	run.OK(8 * time.Millisecond)
	said(t, in, 9, record(run.CallbackContext, info, "after the run"))
	said(t, in, 10, &logspb.LogRecord{SeverityText: "NOTICE", Body: text("of no run")})
	if err := run.Check(); err != nil {
		t.Error(err)
	}
}

func printed(t *testing.T, l layout, verbose bool, f func(*instance)) string {
	t.Helper()
	var out strings.Builder
	in := newInstance(&out, l, verbose, func() time.Time { return hooktest.Epoch })
	f(in)
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return out.String()
}

func TestLogs(t *testing.T) {
	for _, tc := range []struct {
		name    string
		layout  layout
		verbose bool
	}{
		{"logs", plainLayout, false},
		{"logs-verbose", plainLayout, true},
		{"logs-color", layout{width: 80, terminal: true, color: true}, false},
	} {
		golden(t, tc.name, printed(t, tc.layout, tc.verbose, func(in *instance) { logged(t, in) }))
	}
}

func TestValues(t *testing.T) {
	list := func(v ...*commonpb.AnyValue) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: v}}}
	}
	object := func(v ...*commonpb.KeyValue) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: v}}}
	}
	deep := text("x")
	for range 10 {
		deep = list(deep)
	}
	for want, v := range map[string]*commonpb.AnyValue{
		`v=x`:                             text("x"),
		`v=""`:                            text(""),
		`v="a b"`:                         text("a b"),
		`v="say \"x\""`:                   text(`say "x"`),
		`v="[x]"`:                         text("[x]"),
		`v=-7`:                            number(-7),
		`v=true`:                          {Value: &commonpb.AnyValue_BoolValue{BoolValue: true}},
		`v=2.5`:                           {Value: &commonpb.AnyValue_DoubleValue{DoubleValue: 2.5}},
		`v=0x00ff`:                        {Value: &commonpb.AnyValue_BytesValue{BytesValue: []byte{0, 255}}},
		`v=[a 1 [b]]`:                     list(text("a"), number(1), list(text("b"))),
		`v={a=1 b="x y" c={}}`:            object(attr("a", number(1)), attr("b", text("x y")), attr("c", object())),
		`v=[[[[[...]]]]]`:                 deep,
		`v=`:                              nil,
		`v="a\x1b[2Jb\nc"`:                text("a\x1b[2Jb\nc"),
		`v="` + strings.Repeat("y ", 126): text(strings.Repeat("y ", 1000)),
	} {
		got := printed(t, plainLayout, false, func(in *instance) {
			said(t, in, 0, &logspb.LogRecord{Body: text("m"), Attributes: []*commonpb.KeyValue{attr("v", v)}})
		})
		if !strings.Contains(got, "  m  "+want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	for want, r := range map[string]*logspb.LogRecord{
		"09:00:00.000         two; lines\n": {Body: text("two\n\tlines")},
		"09:00:00.000  WARN   w\n":          {Body: text("w"), SeverityNumber: 16},
		"09:00:00.000         99\n":         {Body: number(99), SeverityNumber: 99},
		"09:00:00.000  \\x1b[31m  x\n":      {Body: text("x"), SeverityText: "\x1b[31m"},
	} {
		if got := printed(t, plainLayout, false, func(in *instance) { said(t, in, 0, r) }); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	many := &logspb.LogRecord{Body: text("m")}
	for range maxAttributes + 5 {
		many.Attributes = append(many.Attributes, attr("k", number(1)))
	}
	if got := printed(t, plainLayout, false, func(in *instance) { said(t, in, 0, many) }); strings.Count(got, "k=1") != maxAttributes || !strings.HasSuffix(got, "  ...\n") {
		t.Errorf("%q", got)
	}
}

// TestRunsOfOneTrace: a record is of the run that it names.
func TestRunsOfOneTrace(t *testing.T) {
	a, b := hooktest.Config("a"), hooktest.Config("b")
	a.ID, b.ID = "run-a", "run-b"
	b.SpanID = callbacks.SpanID{7: 9}
	got := printed(t, plainLayout, false, func(in *instance) {
		first := hooktest.Start(in, a)
		first.OK(0)
		first = hooktest.Start(in, a)
		second := hooktest.Start(in, b)
		r := record(first.CallbackContext, info, "of b", attr(keyRunID, text("run-b")))
		r.SpanId = []byte("12345678")
		said(t, in, 0, r)
		said(t, in, 0, record(first.CallbackContext, info, "of a"))
		second.OK(0)
		first.OK(0)
	})
	if a, b := strings.Index(got, "of a"), strings.Index(got, "of b"); a > strings.Index(got, "pipeline b") || b < strings.Index(got, "pipeline b") {
		t.Error(got)
	}
}

// TestStepsAreForgotten: what has ended takes no memory.
func TestStepsAreForgotten(t *testing.T) {
	var in *instance
	printed(t, plainLayout, true, func(i *instance) {
		in = i
		run := hooktest.Start(in, hooktest.Config("daily"))
		for range 3 {
			m := run.Map("parse", 1, 0)
			it := m.Item(0)
			n := it.Nested("parse")
			n.Node("open").OK(0)
			n.OK(0)
			it.OK(0)
			m.EndMap(callbacks.MapEnd{Succeeded: 1})
		}
		r := in.runs.order[0]
		if len(r.running) != 1 || len(r.paths) != 1 {
			t.Errorf("%d steps and %d paths are kept, want the run", len(r.running), len(r.paths))
		}
		run.OK(0)
	})
	if len(in.runs.order) != 0 {
		t.Error("the run is kept")
	}
}

func TestConsoleTakesLogsOnly(t *testing.T) {
	var in backend.Instance = newInstance(&strings.Builder{}, plainLayout, false, time.Now)
	_, traces := in.(backend.TracesReceiver)
	_, metrics := in.(backend.MetricsReceiver)
	if _, logs := in.(backend.LogsReceiver); traces || metrics || !logs {
		t.Errorf("traces %t, metrics %t, logs %t", traces, metrics, logs)
	}
}

// FuzzRecord: whatever a record says, it is one line that can do nothing to a
// terminal.
func FuzzRecord(f *testing.F) {
	f.Add("INFO", "message", "key", "value", []byte("0123456789abcdef"), []byte("12345678"))
	f.Add("\x1b", "a\r\nb\u202e", "\u2028=", "\x9b2J", []byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, level, message, key, value string, trace, span []byte) {
		got := printed(t, plainLayout, false, func(in *instance) {
			said(t, in, 0, &logspb.LogRecord{
				SeverityText: level, Body: text(message), Attributes: []*commonpb.KeyValue{attr(key, text(value)), attr(keyPath, text(value))},
				TraceId: trace, SpanId: span,
			})
		})
		line, ok := strings.CutSuffix(got, "\n")
		if !ok {
			t.Fatalf("%q is no line", got)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) && r != joiner {
				t.Fatalf("%q has %U", line, r)
			}
		}
	})
}
