package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// Current returns the span that ctx is in: in node code that of the node, item or
// attempt, unless the code has opened one. What is recorded on it joins the span that
// the backends get. It is never nil; outside of a run and of any other span it records
// nothing.
func Current(ctx context.Context) trace.Span { return trace.SpanFromContext(ctx) }

// Span opens a span below the one that ctx is in, by the provider of that: no global
// is asked. The caller must end it, on any goroutine. It does nothing outside of a run
// and of any other span.
func Span(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	tracer := Current(ctx).TracerProvider().Tracer(scope.Name,
		trace.WithInstrumentationVersion(scope.Version), trace.WithSchemaURL(scope.SchemaURL))
	return tracer.Start(ctx, name, trace.WithAttributes(attributes...)) //nolint:spancheck // it is the caller's to end
}

// Traced returns fn with a [Span] of that name around each call. An error gives that
// the status Error and its error.type; the failure itself is recorded once, by the
// node that fails. A panic goes on.
func Traced[F ~func(context.Context, In) (Out, error), In, Out any](name string, fn F) F {
	return func(ctx context.Context, in In) (Out, error) {
		ctx, span := Span(ctx, name)
		defer span.End() // which records a panic, where the SDK made it
		out, err := fn(ctx, in)
		if err != nil && span.IsRecording() {
			typ, message := textOf(err)
			span.SetAttributes(semconv.ErrorTypeKey.String(typ))
			span.SetStatus(codes.Error, message)
		}
		return out, err
	}
}

// textOf returns the type and the cleaned text of err, whose methods are not ours.
func textOf(err error) (typ, message string) {
	defer func() {
		if recover() != nil {
			typ, message = "panic", "the methods of the error panic"
		}
	}()
	return valid(callbacks.ErrorType(err)), clean(err.Error())
}
