package otlpspan

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Exporter is a span exporter that also takes requests: whoever makes spans can
// encode them at once, while they are in the processor's cache, and use their memory
// again.
type Exporter interface {
	sdktrace.SpanExporter

	// RequestSize returns the most spans of a request.
	RequestSize() int
	// Buffer returns an empty buffer for a request.
	Buffer() *[]byte
	// ExportRequest does with a request of some spans what ExportSpans does with
	// spans. It takes the buffer back.
	ExportRequest(ctx context.Context, spans int, request *[]byte) error
}
