package otlptrace

import (
	"context"
	"errors"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/otelresource"
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
func Open(ctx context.Context, e Endpoint, headers map[string]string, s backend.Service) (backend.Instance, error) {
	exp, err := newExporter(ctx, e, headers)
	if err != nil {
		return nil, err
	}
	return instance{telemetry.NewCallback(telemetry.Exporters{Spans: exp, Resource: otelresource.Of(ctx, s.Name, s.Version, s.Namespace, s.Attributes)})}, nil
}
