package logs

import (
	"context"
	"log/slog"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

func tracer(t *testing.T, s sdktrace.Sampler) trace.Tracer {
	t.Helper()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(s))
	t.Cleanup(func() { _ = tp.Shutdown(context.Background()) })
	return tp.Tracer("test")
}

// TestIDs holds whose ids a record has: those of the span that code opened, else
// those of the node.
func TestIDs(t *testing.T) {
	always, never := tracer(t, sdktrace.AlwaysSample()), tracer(t, sdktrace.NeverSample())
	opened := func(ctx context.Context, tr trace.Tracer) (context.Context, trace.SpanContext) {
		ctx, span := tr.Start(ctx, "of the code")
		t.Cleanup(func() { span.End() })
		return ctx, span.SpanContext()
	}
	ofNode := func(cc *callbacks.CallbackContext) (context.Context, trace.SpanContext) {
		return context.WithValue(cc, new(int), 1), propagation.SpanContext(cc)
	}
	around := func(tr trace.Tracer) context.Context {
		ctx, _ := opened(context.Background(), tr)
		return ctx
	}
	cases := map[string]func() (context.Context, trace.SpanContext){
		"a span of no run": func() (context.Context, trace.SpanContext) { return opened(context.Background(), always) },
		"a span of no run that does not record": func() (context.Context, trace.SpanContext) {
			return opened(context.Background(), never)
		},
		"a remote span": func() (context.Context, trace.SpanContext) {
			return trace.ContextWithRemoteSpanContext(context.Background(), remote(trace.FlagsSampled)), remote(trace.FlagsSampled)
		},
		"a node whose span records": func() (context.Context, trace.SpanContext) {
			cc := node(context.Background(), propagation.OTel{})
			if !trace.SpanFromContext(cc).IsRecording() {
				t.Error("the span of the node does not record: this case holds nothing")
			}
			return ofNode(cc)
		},
		"a node that has ended, whose span does not record": func() (context.Context, trace.SpanContext) {
			cc := node(context.Background(), propagation.OTel{})
			cc.End()
			if trace.SpanFromContext(cc).IsRecording() {
				t.Error("the span of the node records: this case holds nothing")
			}
			return ofNode(cc)
		},
		"a node of a run that is not sampled": func() (context.Context, trace.SpanContext) {
			return ofNode(node(trace.ContextWithRemoteSpanContext(context.Background(), remote(0)), propagation.OTel{}))
		},
		"a node where nobody knows OpenTelemetry": func() (context.Context, trace.SpanContext) { return ofNode(node(context.Background())) },
		"a node under a span, in a run that joined it": func() (context.Context, trace.SpanContext) {
			return ofNode(node(around(always), propagation.OTel{}))
		},
		"a node under a span, in a run that did not join it": func() (context.Context, trace.SpanContext) {
			return ofNode(node(around(always)))
		},
		"a span in a node": func() (context.Context, trace.SpanContext) {
			return opened(node(context.Background(), propagation.OTel{}), always)
		},
		"a span in a node that does not record": func() (context.Context, trace.SpanContext) {
			return opened(node(context.Background(), propagation.OTel{}), never)
		},
		"a span in a node of a run that did not join the trace around": func() (context.Context, trace.SpanContext) {
			return opened(node(around(always)), always)
		},
		"a run inside a node": func() (context.Context, trace.SpanContext) {
			return ofNode(node(node(context.Background(), propagation.OTel{}), propagation.OTel{}))
		},
	}
	for name, begin := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, want := begin()
			var b buffer
			slog.New(NewHandler(slog.NewJSONHandler(&b, nil))).InfoContext(ctx, "m")
			got := b.records(t)[0]
			if got[keyTraceID] != want.TraceID().String() || got[keySpanID] != want.SpanID().String() || got[keyTraceFlags] != want.TraceFlags().String() {
				t.Errorf("the ids are %v %v %v, want %s %s %s", got[keyTraceID], got[keySpanID], got[keyTraceFlags], want.TraceID(), want.SpanID(), want.TraceFlags())
			}

			// The same must hold for what goes to OpenTelemetry.
			sink := &processor{}
			slog.New(NewForwarder(provider(t, sink))).InfoContext(ctx, "m")
			r := sink.all()[0]
			if r.TraceID() != want.TraceID() || r.SpanID() != want.SpanID() || r.TraceFlags() != want.TraceFlags() {
				t.Errorf("forwarded ids are %s %s %s, want %s %s %s", r.TraceID(), r.SpanID(), r.TraceFlags(), want.TraceID(), want.SpanID(), want.TraceFlags())
			}
		})
	}
}
