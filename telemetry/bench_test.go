package telemetry

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

func discard() *exporter {
	return &exporter{export: func(context.Context, []sdktrace.ReadOnlySpan) error { return nil }}
}

// BenchmarkNode is the span of a node from its hook to the exporter. Compare
// with BenchmarkSDK, which makes the same span with the SDK and its batch
// processor.
func BenchmarkNode(b *testing.B) {
	cb := NewCallback(Exporters{Spans: discard()})
	parent, ev := node(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			cb.OnNodeEnd(parent, ev)
		}
	})
	_ = cb.Shutdown(context.Background())
	b.ReportMetric(100*float64(cb.Stats().Dropped())/float64(b.N), "%dropped")
}

// BenchmarkNodeBuild is the building of the span alone.
func BenchmarkNodeBuild(b *testing.B) {
	cb := &Callback{exporter: discard()}
	cc, ev := node(b)
	b.ReportAllocs()
	for b.Loop() {
		cb.nodeSpan(cc, ev)
	}
}

// BenchmarkNodeFailed is the building of a failed node's span.
func BenchmarkNodeFailed(b *testing.B) {
	cb := &Callback{exporter: discard()}
	cc, ev := node(b)
	ev.Result, ev.Origin, ev.Err = callbacks.ResultFailure, true, errPanic
	b.ReportAllocs()
	for b.Loop() {
		cb.nodeSpan(cc, ev)
	}
}

func BenchmarkSDK(b *testing.B) {
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(discard(), sdktrace.WithMaxQueueSize(maxQueue)))
	tr := tp.Tracer(scope.Name, trace.WithInstrumentationVersion(scope.Version), trace.WithSchemaURL(scope.SchemaURL))
	parent, _ := node(b)
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(parent.TraceID()), SpanID: trace.SpanID(parent.SpanID()), TraceFlags: trace.FlagsSampled,
	}))
	begin := time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, s := tr.Start(ctx, "node "+parent.Name(), trace.WithTimestamp(begin), trace.WithAttributes(
				keyNodeName.String(fetch.Name), keyNodeKind.String(fetch.Type), keyNodeSignature.String(fetch.Signature),
				semconv.CodeFunctionName("main.fetch"), semconv.CodeFilePath("/src/main.go"), semconv.CodeLineNumber(12),
				keyPath.String(parent.Path()), keyDepth.Int(0), keyAttemptCount.Int(1),
				attribute.String("spanloom.result", "success"),
			))
			s.End(trace.WithTimestamp(begin.Add(time.Millisecond)))
		}
	})
	_ = tp.Shutdown(context.Background())
}
