package telemetry

import (
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Exporters says where the telemetry of runs goes.
type Exporters struct {
	// Spans takes spans. It is called by one goroutine at a time, and shut down
	// with the callback. Defaults to none: the callback then makes no spans.
	Spans sdktrace.SpanExporter

	// Resource describes the program whose telemetry this is. Defaults to what
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, or else to the name of
	// the executable.
	Resource *resource.Resource
}
