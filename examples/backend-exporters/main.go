// Command spanloom-backend-exporters is a Spanloom backend made of an exporter of
// OpenTelemetry's SDK: one that writes spans as JSON.
package main

import (
	"context"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"

	"github.com/spanloom/spanloom/backend"
)

// config is the backend's part of a manifest.
type config struct {
	Pretty bool `json:"pretty,omitzero" jsonschema:"Whether a span takes many lines."`
}

// New returns the backend.
func New() backend.Backend { return backend.New("exporters", config{}, open) }

func open(_ context.Context, c backend.Config, cfg config) (backend.Instance, error) {
	opts := []stdouttrace.Option{stdouttrace.WithWriter(c.Output)}
	if cfg.Pretty {
		opts = append(opts, stdouttrace.WithPrettyPrint())
	}
	exporter, err := stdouttrace.New(opts...)
	if err != nil {
		return nil, err
	}
	return backend.FromExporters(c, backend.Exporters{Spans: exporter})
}

func main() { backend.Serve(New()) }
