package otlptrace

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/internal/otlptest"
)

// TestForward: what the program made goes on unchanged, with one request of a
// signal for each Flush, beside the spans of runs.
func TestForward(t *testing.T) {
	c := otlptest.Start(t, nil)
	in := openAt(t, c.Endpoint)
	resource := func(schema, span string) *tracepb.ResourceSpans {
		return &tracepb.ResourceSpans{SchemaUrl: schema, ScopeSpans: []*tracepb.ScopeSpans{{
			Spans: []*tracepb.Span{{Name: span, TraceId: []byte(strings.Repeat("t", 16)), SpanId: []byte("12345678")}},
		}}}
	}
	want := []*tracepb.ResourceSpans{resource("a", "one"), resource("b", "two")}
	err := errors.Join(
		in.(backend.TracesReceiver).OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: want[:1]}),
		in.(backend.TracesReceiver).OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: want[1:]}),
		in.(backend.MetricsReceiver).OnMetrics(t.Context(), &colmetricspb.ExportMetricsServiceRequest{
			ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{{Name: "m"}}}}}},
		}),
		in.(backend.LogsReceiver).OnLogs(t.Context(), &collogspb.ExportLogsServiceRequest{
			ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{EventName: "l"}}}}}},
		}))
	if err != nil {
		t.Fatal(err)
	}
	if traces, metrics, logs := c.Requests(); traces+metrics+logs != 0 {
		t.Error("sent before Flush")
	}
	if err := errors.Join(in.Flush(t.Context()), in.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, c.Resources(), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if c.Metrics()["m"] == nil || len(c.Records()) != 1 || c.Records()[0].GetEventName() != "l" {
		t.Errorf("metrics %v, log records %v", c.Metrics(), c.Records())
	}
	if traces, metrics, logs := c.Requests(); traces != 1 || metrics != 1 || logs != 1 {
		t.Errorf("%d, %d and %d requests, want one each", traces, metrics, logs)
	}
	emit(t, in)
	_ = in.(backend.TracesReceiver).OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{resource("c", "three")}})
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if spans := c.Spans(); spans["three"] == nil || spans["pipeline daily"] == nil {
		t.Error("Close did not send what was left")
	}
}

func TestForwardErrors(t *testing.T) {
	in := openAt(t, otlptest.Refused(t))
	for range 2 {
		_ = in.(backend.LogsReceiver).OnLogs(t.Context(), &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{}}})
		_ = in.(backend.MetricsReceiver).OnMetrics(t.Context(), &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{}}})
		emit(t, in)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begin := time.Now()
		err := in.Flush(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Flush: %v", err)
		}
		if d := time.Since(begin); d > time.Second {
			t.Errorf("Flush took %s", d)
		}
	}
	if err := in.Flush(t.Context()); err != nil {
		t.Errorf("what was lost is tried again: %v", err)
	}
}

func TestTracesOnly(t *testing.T) {
	in, err := Open(t.Context(), settings(t, map[string]any{"endpoint": otlptest.Refused(t)}), service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(t.Context()) }()
	if _, ok := in.(backend.TracesReceiver); !ok {
		t.Error("takes no spans")
	}
	if _, ok := in.(backend.MetricsReceiver); ok {
		t.Error("takes metrics")
	}
	if _, ok := in.(backend.LogsReceiver); ok {
		t.Error("takes log records")
	}
}
