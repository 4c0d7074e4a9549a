package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/privacy"
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

	// Attributes stand on every span, such as those of [Product]. Defaults to
	// none.
	Attributes []attribute.KeyValue

	// Capture says which inputs and outputs stand on spans. Defaults to none.
	Capture privacy.Capture

	// Fanout bounds the spans of maps. Defaults to 1000 items a map.
	Fanout Fanout

	// Keep says which runs have spans though they are not sampled. Defaults to none.
	Keep Keep
}
