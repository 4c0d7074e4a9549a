package propagation_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// A callback that embeds OTel joins its runs with OpenTelemetry.
type audit struct {
	callbacks.Base
	propagation.OTel
}

func Example() {
	request := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: 0xab},
		SpanID:  trace.SpanID{7: 0xcd},
	})
	ctx := trace.ContextWithSpanContext(context.Background(), request)

	id, ok := audit{}.RunIdentity(ctx) // asked by the engine
	fmt.Println(ok, id.TraceID, id.Parent)
	// Output: true 000000000000000000000000000000ab 00000000000000cd
}
