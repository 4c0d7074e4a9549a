package propagation

import (
	"context"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// Inject writes the span and the baggage of ctx into carrier: the fields
// traceparent, tracestate and baggage of W3C Trace Context, Level 2, and W3C
// Baggage. In a node the span is the node's, or one that node code has started.
//
// What carrier had of a trace before is replaced. Without a span in ctx,
// traceparent and tracestate stay as they are. Baggage of more than 64 members
// or 8192 bytes is left out as a whole, with a warning. Values have printable
// ASCII characters only, never a line break or a NUL.
//
// All baggage goes out: see [Config.Send] for receivers that you do not know.
func Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	inject(carrier, fieldsOf(ctx))
}

func inject(carrier propagation.TextMapCarrier, f fields) {
	if f.parent != "" {
		replace(carrier, parentKey, f.parent)
		replace(carrier, stateKey, f.state)
	}
	replace(carrier, baggageKey, f.baggage)
}

// Extract returns a context with the span and the baggage that carrier names.
// What carrier does not name stays as it is in ctx.
//
// It never fails. A field that is malformed, or longer than allowed, is taken as
// missing, so that a run under the returned context is a new root; of baggage,
// members that are malformed are. The process says so through [slog.Default] at
// most once a minute, without the field's value. All lines of a field count
// together, before any is parsed: baggage to 64 members and 8192 bytes,
// tracestate to 16447, traceparent to 256.
//
// It trusts carrier: see [Config.Receive] for senders that you do not know.
//
// [slog.Default]: https://pkg.go.dev/log/slog#Default
func Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	return join(ctx, readSpan(ctx, carrier), readBaggage(ctx, carrier))
}

func join(ctx context.Context, sc trace.SpanContext, bag baggage.Baggage) context.Context {
	if sc.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, sc)
	}
	if bag.Len() > 0 {
		ctx = baggage.ContextWithBaggage(ctx, bag)
	}
	return ctx
}

// current returns the innermost span of ctx: one that code has started, or the
// scope of a run.
func current(ctx context.Context) trace.SpanContext {
	sc := trace.SpanContextFromContext(ctx)
	cc := callbacks.FromContext(ctx)
	if cc == nil || !sc.Equal(trace.SpanContextFromContext(cc)) {
		return sc
	}
	// No span was started since the scope began. A run without the callback OTel
	// would show the span around it.
	return SpanContext(cc)
}
