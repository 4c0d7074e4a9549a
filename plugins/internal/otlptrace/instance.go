package otlptrace

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/telemetry"
)

// instance is a callback of package telemetry as a backend's instance.
type instance struct{ *telemetry.Callback }

var _ backend.Instance = instance{}

// Flush implements backend.Instance. Of an export that failed it gives the cause
// only: the host counts what was lost, in events.
func (i instance) Flush(ctx context.Context) error {
	err := i.Callback.Flush(ctx)
	if cause, ok := errors.AsType[*exportError](err); ok {
		return cause
	}
	return err //nolint:wrapcheck // it says all
}

// Close implements backend.Instance.
func (i instance) Close(ctx context.Context) error { return i.Shutdown(ctx) }

// Open returns an instance that exports to an endpoint. Where headers is nil,
// OTEL_EXPORTER_OTLP_HEADERS says which headers are sent.
func Open(ctx context.Context, e Endpoint, headers map[string]string, c backend.Config) (backend.Instance, error) {
	exp, err := newExporter(ctx, e, headers)
	if err != nil {
		return nil, err
	}
	return instance{telemetry.NewCallback(telemetry.Exporters{
		Spans: exp, Resource: Resource(ctx, c.Service), Attributes: telemetry.ProductOf(c.Service.Attributes),
		Fanout: telemetry.Fanout{Items: telemetry.MapItems(c.Tracing.MapItems), Max: c.Tracing.MaxPerMap, Ratio: c.Tracing.ItemRatio},
		Keep:   telemetry.Keep{Failed: c.Tracing.KeepFailed, Slow: c.Tracing.KeepSlow},
		// Only text that the host has captured comes this far.
		Capture: privacy.Capture{Inputs: true, Outputs: true},
	})}, nil
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
