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

var ports = map[int]string{4318: otlptrace.HTTPPort}

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
		Open:    open,
	}
}

func open(ctx context.Context, c backend.Config) (backend.Instance, error) {
	var cfg config
	if err := c.Decode(&cfg); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	raw, source := cfg.endpoint(os.Getenv)
	e, err := otlptrace.ParseEndpoint(raw, source, ports)
	if err != nil {
		return nil, err //nolint:wrapcheck // a ConfigError as it is
	}
	return otlptrace.Open(ctx, e, nil, c.Service) //nolint:wrapcheck // it says all
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
