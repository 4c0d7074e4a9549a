package otlptrace

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/telemetry"
)

// instance is a callback of package telemetry as a backend's instance.
type instance struct {
	*telemetry.Callback

	client *client
}

var _ backend.Instance = instance{}

// Flush implements backend.Instance. Of an export that failed it gives the cause
// only: the host counts what was lost, in events.
func (i instance) Flush(ctx context.Context) error {
	err := i.Callback.Flush(ctx)
	if cause, ok := errors.AsType[*exportError](err); ok {
		return cause
	}
	return err
}

// Close implements backend.Instance.
func (i instance) Close(ctx context.Context) error {
	err := i.Shutdown(ctx)
	_ = i.client.conn.Close() // nothing is under way
	return err
}

// Open returns an instance that exports the spans of runs and of programs to an
// endpoint. getenv says, by OTEL_EXPORTER_OTLP_HEADERS and the like, what is sent
// with requests; nil says nothing.
func Open(ctx context.Context, e Endpoint, getenv func(string) string, s backend.Service) (backend.Instance, error) {
	in, err := newInstance(ctx, e, getenv, s)
	if err != nil {
		return nil, err
	}
	return forwardTraces(in, in.client), nil
}

// OpenAll is Open for an endpoint that takes the metrics and log records of
// programs too.
func OpenAll(ctx context.Context, e Endpoint, getenv func(string) string, s backend.Service) (backend.Instance, error) {
	in, err := newInstance(ctx, e, getenv, s)
	if err != nil {
		return nil, err
	}
	return forwardAll(in, in.client), nil
}

func newInstance(ctx context.Context, e Endpoint, getenv func(string) string, s backend.Service) (instance, error) {
	c, err := newClient(e, getenv)
	if err != nil {
		return instance{}, err
	}
	spans, err := otlptrace.New(ctx, c)
	if err != nil {
		_ = c.conn.Close()
		return instance{}, fmt.Errorf("open %s: %w", e, err)
	}
	return instance{client: c, Callback: telemetry.NewCallback(telemetry.Exporters{
		Spans: spans, Resource: otelresource.Of(ctx, s.Name, s.Version, s.Namespace, s.Attributes),
	})}, nil
}
