package jaeger

import (
	"context"
	_ "embed"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
	"github.com/spanloom/spanloom/plugins/internal/otlptrace"
)

//go:embed config.schema.json
var schema []byte

const old = " is a port of Jaeger's own old protocols; Jaeger takes OTLP over gRPC on port 4317"

// ports are what people write instead of 4317.
var ports = map[int]string{
	16686: "port 16686 is Jaeger's web page; Jaeger takes OTLP over gRPC on port 4317",
	14268: "14268" + old,
	14250: "14250" + old,
	6831:  "6831" + old,
}

// New returns the backend.
func New() backend.Backend {
	return backend.Backend{
		Name:    "jaeger",
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
	return otlptrace.Open(ctx, s, c)
}

// settings reads no variable: those of the environment are for another place.
func settings(c backend.Config) (otlpconfig.Settings, error) {
	return otlpconfig.Resolve(c, otlpconfig.Profile{Ports: ports})
}
