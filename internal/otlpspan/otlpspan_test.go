package otlpspan_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/internal/otlpspan"
)

// stock is a client of the SDK's exporter that keeps what it would send.
type stock struct{ list []*tracepb.ResourceSpans }

func (*stock) Start(context.Context) error { return nil }
func (*stock) Stop(context.Context) error  { return nil }

func (s *stock) UploadTraces(_ context.Context, list []*tracepb.ResourceSpans) error {
	s.list = append(s.list, list...)
	return nil
}

// byStock is what the SDK's exporter makes of spans.
func byStock(t fataler, spans []sdktrace.ReadOnlySpan) *coltracepb.ExportTraceServiceRequest {
	t.Helper()
	s := &stock{}
	e, err := otlptrace.New(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.ExportSpans(context.Background(), spans); err != nil {
		t.Fatal(err)
	}
	return &coltracepb.ExportTraceServiceRequest{ResourceSpans: s.list}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func read(t fataler, data []byte) *coltracepb.ExportTraceServiceRequest {
	t.Helper()
	var r coltracepb.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &r); err != nil {
		t.Fatalf("the request cannot be read: %v", err)
	}
	return &r
}

// prepared is a span with some attributes encoded beforehand.
type prepared struct {
	sdktrace.ReadOnlySpan

	encoded []byte
	others  []attribute.KeyValue
}

func (p prepared) Parts() ([]byte, []attribute.KeyValue) { return p.encoded, p.others }

func prepare(s sdktrace.ReadOnlySpan, n int) sdktrace.ReadOnlySpan {
	list := s.Attributes()
	n = min(n, len(list))
	return prepared{s, otlpspan.Encode(list[:n]), list[n:]}
}

// text is any valid text, sometimes one that is longer than a byte can say.
func text(t *rapid.T, label string) string {
	s := rapid.StringN(0, 12, -1).Draw(t, label)
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		s = strings.Repeat(s+"x", rapid.SampledFrom([]int{126, 127, 128, 129, 16_383, 16_384}).Draw(t, "times"))
	}
	return s
}

func values(t *rapid.T, depth int) attribute.Value {
	kinds := 9
	if depth > 0 {
		kinds = 11
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return attribute.BoolValue(rapid.Bool().Draw(t, "bool"))
	case 1:
		return attribute.Int64Value(rapid.Int64().Draw(t, "int"))
	case 2:
		return attribute.Float64Value(rapid.Float64().Draw(t, "float"))
	case 3:
		return attribute.StringValue(text(t, "text"))
	case 4:
		return attribute.ByteSliceValue(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case 5:
		return attribute.BoolSliceValue(rapid.SliceOf(rapid.Bool()).Draw(t, "bools"))
	case 6:
		return attribute.Int64SliceValue(rapid.SliceOf(rapid.Int64()).Draw(t, "ints"))
	case 7:
		return attribute.Float64SliceValue(rapid.SliceOf(rapid.Float64()).Draw(t, "floats"))
	case 8:
		return attribute.StringSliceValue(rapid.SliceOf(rapid.String()).Draw(t, "texts"))
	case 9:
		return attribute.Value{}
	case 10:
		list := make([]attribute.Value, rapid.IntRange(0, 3).Draw(t, "values"))
		for i := range list {
			list[i] = values(t, depth-1)
		}
		return attribute.SliceValue(list...)
	default:
		return attribute.MapValue(attributes(t, depth-1)...)
	}
}

func attributes(t *rapid.T, depth int) []attribute.KeyValue {
	list := make([]attribute.KeyValue, rapid.IntRange(0, 4).Draw(t, "attributes"))
	for i := range list {
		list[i] = attribute.KeyValue{Key: attribute.Key(text(t, "key")), Value: values(t, depth)}
	}
	return list
}

func spanContext(t *rapid.T) trace.SpanContext {
	c := trace.SpanContextConfig{
		TraceFlags: trace.TraceFlags(rapid.Byte().Draw(t, "flags")),
		Remote:     rapid.Bool().Draw(t, "remote"),
	}
	if rapid.IntRange(0, 5).Draw(t, "none") > 0 {
		copy(c.TraceID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace id"))
		copy(c.SpanID[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span id"))
	}
	if rapid.Bool().Draw(t, "state") {
		state, err := trace.ParseTraceState("a=1,b=2")
		if err != nil {
			t.Fatal(err)
		}
		c.TraceState = state
	}
	return trace.NewSpanContext(c)
}

func moment(t *rapid.T) time.Time {
	return time.Unix(0, rapid.SampledFrom([]int64{-5, 0, 1, math.MaxInt64, rapid.Int64().Draw(t, "ns")}).Draw(t, "time"))
}

func count(t *rapid.T) int {
	return rapid.SampledFrom([]int{-1, 0, 1, math.MaxUint32, math.MaxInt}).Draw(t, "dropped")
}

func aSpan(t *rapid.T) tracetest.SpanStub {
	s := tracetest.SpanStub{
		Name: text(t, "name"), SpanContext: spanContext(t), Parent: spanContext(t),
		SpanKind:  trace.SpanKind(rapid.IntRange(-1, 7).Draw(t, "kind")),
		StartTime: moment(t), EndTime: moment(t), Attributes: attributes(t, 2),
		Status:            sdktrace.Status{Code: codes.Code(rapid.IntRange(0, 3).Draw(t, "code")), Description: text(t, "description")},
		DroppedAttributes: count(t), DroppedEvents: count(t), DroppedLinks: count(t),
	}
	for range rapid.IntRange(0, 2).Draw(t, "events") {
		s.Events = append(s.Events, sdktrace.Event{Name: text(t, "event"), Time: moment(t), Attributes: attributes(t, 0), DroppedAttributeCount: count(t)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "links") {
		s.Links = append(s.Links, sdktrace.Link{SpanContext: spanContext(t), Attributes: attributes(t, 0), DroppedAttributeCount: count(t)})
	}
	return s
}

// TestAsStock is the law of the package: what is encoded reads as what the stock
// exporter makes of the same spans.
func TestAsStock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := resource.NewWithAttributes(text(t, "schema"), attributes(t, 1)...)
		if rapid.Bool().Draw(t, "no resource") {
			r = nil
		}
		var scope instrumentation.Scope
		if rapid.Bool().Draw(t, "scope") {
			scope = instrumentation.Scope{Name: text(t, "scope"), Version: text(t, "version"), SchemaURL: text(t, "url"), Attributes: attribute.NewSet(attributes(t, 0)...)}
		}
		spans := make([]sdktrace.ReadOnlySpan, rapid.IntRange(0, 5).Draw(t, "spans"))
		for i := range spans {
			stub := aSpan(t)
			stub.Resource, stub.InstrumentationScope = r, scope
			spans[i] = stub.Snapshot()
			if rapid.Bool().Draw(t, "prepared") {
				spans[i] = prepare(spans[i], rapid.IntRange(0, 4).Draw(t, "parts"))
			}
		}
		before := []byte("before")
		data := otlpspan.AppendRequest(before, spans)
		if string(data[:len(before)]) != string(before) {
			t.Fatal("what was there is changed")
		}
		want := byStock(t, spans)
		if len(want.GetResourceSpans()) == 0 {
			if len(data) != len(before) {
				t.Fatalf("%d bytes of no spans", len(data)-len(before))
			}
			return
		}
		if diff := cmp.Diff(want, read(t, data[len(before):]), protocmp.Transform()); diff != "" {
			t.Fatalf("(-stock +own)\n%s", diff)
		}
		// The shortest form is what protobuf itself writes.
		if got, want := len(data)-len(before), proto.Size(want); got != want {
			t.Fatalf("%d bytes, want %d", got, want)
		}
	})
}

// TestGroups: spans of other resources and scopes stand apart, in their order.
func TestGroups(t *testing.T) {
	a, b := resource.NewSchemaless(attribute.String("r", "a")), resource.NewSchemaless(attribute.String("r", "b"))
	x, y := instrumentation.Scope{Name: "x"}, instrumentation.Scope{Name: "y"}
	var spans []sdktrace.ReadOnlySpan
	for i, at := range []struct {
		r *resource.Resource
		s instrumentation.Scope
	}{{a, x}, {a, x}, {a, y}, {b, y}, {b, y}, {b, y}} {
		spans = append(spans, tracetest.SpanStub{Name: fmt.Sprint(i), Resource: at.r, InstrumentationScope: at.s}.Snapshot())
	}
	got := ""
	for _, r := range read(t, otlpspan.AppendRequest(nil, spans)).GetResourceSpans() {
		got += r.GetResource().GetAttributes()[0].GetValue().GetStringValue() + "("
		for _, s := range r.GetScopeSpans() {
			got += " " + s.GetScope().GetName()
			for _, span := range s.GetSpans() {
				got += span.GetName()
			}
		}
		got += " )"
	}
	if want := "a( x01 )a( y2 )b( y345 )"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestInvalidTexts: they are mended, and cost no other span.
func TestInvalidTexts(t *testing.T) {
	const bad = "a\xffb"
	span := tracetest.SpanStub{
		Name: bad, Attributes: []attribute.KeyValue{attribute.String(bad, bad), attribute.StringSlice("list", []string{bad})},
		Events: []sdktrace.Event{{Name: bad}}, Status: sdktrace.Status{Code: codes.Error, Description: bad},
	}.Snapshot()
	text := prototext(read(t, otlpspan.AppendRequest(nil, []sdktrace.ReadOnlySpan{span})))
	if n := strings.Count(text, "a\uFFFDb"); n != 6 {
		t.Errorf("%d texts are mended, want 6:\n%s", n, text)
	}
}

func prototext(m proto.Message) string { return fmt.Sprint(m) }
