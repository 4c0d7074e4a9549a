package jaeger

import (
	"context"
	_ "embed"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/plugins/internal/otlptrace"
)

//go:embed config.schema.json
var schema []byte

const defaultEndpoint = "http://127.0.0.1:4317"

const old = " is a port of Jaeger's own old protocols; Jaeger takes OTLP over gRPC on port 4317"

// ports are what people write instead of 4317.
var ports = map[int]string{
	16686: "port 16686 is Jaeger's web page; Jaeger takes OTLP over gRPC on port 4317",
	14268: "14268" + old,
	14250: "14250" + old,
	6831:  "6831" + old,
	4318:  otlptrace.HTTPPort,
}

// config is what a manifest says.
type config struct {
	Endpoint string `json:"endpoint"`
}

// New returns the backend.
func New() backend.Backend {
	return backend.Backend{
		Name:    "jaeger",
		Version: buildinfo.Version(),
		Schema:  schema,
		Linger:  200 * time.Millisecond,
		Check: func(c backend.Config) error {
			_, err := endpoint(c)
			return err
		},
		Open: open,
	}
}

func open(ctx context.Context, c backend.Config) (backend.Instance, error) {
	e, err := endpoint(c)
	if err != nil {
		return nil, err
	}
	// No headers: those of the environment are for another place.
	return otlptrace.Open(ctx, e, map[string]string{}, c) //nolint:wrapcheck // it says all
}

// endpoint returns where the config says spans go.
func endpoint(c backend.Config) (otlptrace.Endpoint, error) {
	cfg := config{Endpoint: defaultEndpoint}
	if err := c.Decode(&cfg); err != nil {
		return otlptrace.Endpoint{}, err //nolint:wrapcheck // it says all
	}
	return otlptrace.ParseEndpoint(cfg.Endpoint, "", ports) //nolint:wrapcheck // a ConfigError as it is
}
