package jaegertest_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/internal/jaegertest"
)

func TestSpanComesBackAsSent(t *testing.T) {
	server := jaegertest.Start(t)

	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpointURL(server.OTLPEndpoint()))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "weaver"))),
	)
	start := time.Unix(1_700_000_000, 1)
	end := start.Add(3 * time.Second)
	linked := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	_, span := provider.Tracer("scope", trace.WithInstrumentationVersion("v2")).Start(t.Context(), "weave",
		trace.WithTimestamp(start),
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.Link{SpanContext: linked, Attributes: []attribute.KeyValue{attribute.String("why", "retry")}}),
		trace.WithAttributes(
			attribute.String("s", "text"),
			attribute.Int64("i", 1<<60),
			attribute.Float64("f", 1.5),
			attribute.Bool("b", true),
			attribute.StringSlice("l", []string{"x", "y"}),
		))
	span.AddEvent("knot", trace.WithTimestamp(start.Add(time.Second)), trace.WithAttributes(attribute.Int("n", 7)))
	span.SetStatus(codes.Error, "torn")
	span.End(trace.WithTimestamp(end))
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	id := span.SpanContext().TraceID().String()
	want := []jaegertest.Span{{
		TraceID:       id,
		SpanID:        span.SpanContext().SpanID().String(),
		Name:          "weave",
		Kind:          trace.SpanKindConsumer,
		Start:         start,
		End:           end,
		StatusCode:    codes.Error,
		StatusMessage: "torn",
		Attributes: map[string]any{
			"s": "text", "i": int64(1 << 60), "f": 1.5, "b": true, "l": []any{"x", "y"},
		},
		Events: []jaegertest.Event{{
			Name: "knot", Time: start.Add(time.Second), Attributes: map[string]any{"n": int64(7)},
		}},
		Links: []jaegertest.Link{{
			TraceID: linked.TraceID().String(), SpanID: linked.SpanID().String(), Attributes: map[string]any{"why": "retry"},
		}},
		Service:      "weaver",
		Resource:     map[string]any{"service.name": "weaver"},
		ScopeName:    "scope",
		ScopeVersion: "v2",
	}}
	if diff := cmp.Diff(want, server.WaitTrace(t, id, 1)); diff != "" {
		t.Errorf("span changed on its way (-sent +stored):\n%s", diff)
	}
}

func TestUnknownTraceIsEmpty(t *testing.T) {
	server := jaegertest.Start(t)
	spans, err := server.Trace(t.Context(), strings.Repeat("1", 32))
	if err != nil || len(spans) != 0 {
		t.Errorf("Trace of an unknown id = %v, %v; want none and no error", spans, err)
	}
}

func TestMissingBinary(t *testing.T) {
	t.Setenv("SPANLOOM_JAEGER", filepath.Join(t.TempDir(), "absent"))
	for _, tc := range []struct {
		require       string
		failed, skips bool
	}{
		{require: "", skips: true},
		{require: "1", failed: true},
	} {
		t.Setenv("SPANLOOM_REQUIRE_SERVERS", tc.require)
		fake := &fakeTB{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			jaegertest.Start(fake)
		}()
		<-done
		if fake.failed != tc.failed || fake.skipped != tc.skips {
			t.Errorf("require %q: failed %v, skipped %v", tc.require, fake.failed, fake.skipped)
		}
		if !strings.Contains(fake.message, "make jaeger") {
			t.Errorf("require %q: message %q does not say how to get one", tc.require, fake.message)
		}
	}
}

// fakeTB notes how Start ends a test instead of ending this one.
type fakeTB struct {
	testing.TB

	failed, skipped bool
	message         string
}

func (f *fakeTB) Fatal(args ...any) {
	f.failed, f.message = true, fmt.Sprint(args...)
	runtime.Goexit()
}

func (f *fakeTB) Skip(args ...any) {
	f.skipped, f.message = true, fmt.Sprint(args...)
	runtime.Goexit()
}
