package otlptrace

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
	"github.com/spanloom/spanloom/telemetry"
)

// instance is a callback of package telemetry as a backend's instance.
type instance struct {
	*telemetry.Callback

	pace *pace
}

var _ backend.Instance = instance{}

// Flush implements backend.Instance. Of an export that failed it gives the cause
// only: the host counts what was lost, in events.
func (i instance) Flush(ctx context.Context) error {
	i.pace.wait(ctx)
	err := i.Callback.Flush(ctx)
	if said := causes(err); said != nil {
		return said
	}
	return err
}

// Close implements backend.Instance.
func (i instance) Close(ctx context.Context) error { return i.Shutdown(ctx) }

// Open returns an instance that exports as s says.
func Open(ctx context.Context, s otlpconfig.Settings, service backend.Service) (backend.Instance, error) {
	exp, err := newExporter(ctx, s)
	if err != nil {
		return nil, err
	}
	cb := telemetry.NewCallback(telemetry.Exporters{Spans: exp, Resource: Resource(ctx, service)})
	return bound(instance{cb, newPace(s.Batch.Linger)}, s.Batch.Queue), nil
}

// Resource returns a service in the words of OpenTelemetry.
func Resource(ctx context.Context, s backend.Service) *resource.Resource {
	var attrs []attribute.KeyValue
	for k, v := range s.Attributes {
		attrs = append(attrs, attribute.String(valid(k), valid(v)))
	}
	// The names come last, and win.
	name := s.Name
	if name == "" && !slices.ContainsFunc(attrs, func(kv attribute.KeyValue) bool { return kv.Key == semconv.ServiceNameKey }) {
		name = "unknown_service:go"
	}
	for _, kv := range [...]attribute.KeyValue{
		semconv.ServiceName(valid(name)),
		semconv.ServiceVersion(valid(s.Version)),
		semconv.ServiceNamespace(valid(s.Namespace)),
	} {
		if kv.Value.AsString() != "" {
			attrs = append(attrs, kv)
		}
	}
	r := resource.NewWithAttributes(semconv.SchemaURL, attrs...)
	// Which SDK made the spans: of the backend, as far as the spans are.
	sdk, err := resource.New(ctx, resource.WithTelemetrySDK())
	if err != nil {
		return r
	}
	if merged, err := resource.Merge(resource.NewSchemaless(sdk.Attributes()...), r); err == nil {
		return merged
	}
	return r
}

// valid makes s valid UTF-8, without which nothing at all could be sent.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
