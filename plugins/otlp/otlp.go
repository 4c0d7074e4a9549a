package otlp

import (
	"context"
	_ "embed"
	"os"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/plugins/internal/otlptrace"
)

//go:embed config.schema.json
var schema []byte

const defaultEndpoint = "http://127.0.0.1:4317"

// ports are what people write instead of 4317.
var ports = map[int]string{
	4318:  otlptrace.HTTPPort,
	16686: "port 16686 is Jaeger's web page; Jaeger takes OTLP over gRPC on port 4317",
}

// config is what a manifest says.
type config struct {
	Endpoint *string `json:"endpoint"`
}

// New returns the backend.
func New() backend.Backend {
	return backend.Backend{
		Name:    "otlp",
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
	return otlptrace.Open(ctx, e, nil, c) //nolint:wrapcheck // it says all
}

// endpoint returns where the config, or the environment, says spans go.
func endpoint(c backend.Config) (otlptrace.Endpoint, error) {
	var cfg config
	if err := c.Decode(&cfg); err != nil {
		return otlptrace.Endpoint{}, err //nolint:wrapcheck // it says all
	}
	raw, source := cfg.endpoint(os.Getenv)
	return otlptrace.ParseEndpoint(raw, source, ports) //nolint:wrapcheck // a ConfigError as it is
}

// endpoint returns the endpoint and, when it is not from the config, its source.
func (c config) endpoint(getenv func(string) string) (raw, source string) {
	if c.Endpoint != nil {
		return *c.Endpoint, ""
	}
	for _, name := range [...]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if v := getenv(name); v != "" {
			return v, name
		}
	}
	return defaultEndpoint, ""
}
