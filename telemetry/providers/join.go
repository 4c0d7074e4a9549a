package providers

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// joined is the span processor as another provider has it, which may end before or
// after this one: its Shutdown ends nothing.
type joined struct{ *spanProcessor }

// OnStart does nothing: the span is the other provider's, and its exporters' too.
func (joined) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// Shutdown implements sdktrace.SpanProcessor.
func (j joined) Shutdown(ctx context.Context) error { return j.ForceFlush(ctx) }

// SpanProcessor returns what makes the spans of another provider, such as one that
// an application has already, go the same way. They stay as they are: nothing comes
// from [Config].Started. Unregister it before Shutdown.
func (p *Providers) SpanProcessor() sdktrace.SpanProcessor { return joined{p.spans} }
