package otlp

import (
	"context"
	_ "embed"
	"os"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
	"github.com/spanloom/spanloom/plugins/internal/otlptrace"
)

//go:embed config.schema.json
var schema []byte

// ports are what people write instead of 4317.
var ports = map[int]string{
	16686: "port 16686 is Jaeger's web page; Jaeger takes OTLP over gRPC on port 4317",
}

// New returns the backend.
func New() backend.Backend {
	return backend.Backend{
		Name:    "otlp",
		Version: buildinfo.Version(),
		Schema:  schema,
		Linger:  10 * time.Millisecond, // the instance keeps its exports apart itself
		Check: func(c backend.Config) error {
			_, err := settings(c)
			return err
		},
		Open: open,
	}
}

func open(ctx context.Context, c backend.Config) (backend.Instance, error) {
	s, err := settings(c)
	if err != nil {
		return nil, err
	}
	return otlptrace.OpenAll(ctx, s, c)
}

func settings(c backend.Config) (otlpconfig.Settings, error) {
	return otlpconfig.Resolve(c, otlpconfig.Profile{Env: os.Getenv, Ports: ports})
}
