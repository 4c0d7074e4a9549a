package console

import (
	"context"
	_ "embed"
	"io"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/buildinfo"
)

//go:embed config.schema.json
var schema []byte

// config is what a manifest says.
type config struct {
	Color   string `json:"color"`
	Verbose bool   `json:"verbose"`
}

// New returns the backend.
func New() backend.Backend {
	return backend.Backend{
		Name:    "console",
		Version: buildinfo.Version(),
		Schema:  schema,
		Linger:  20 * time.Millisecond,
		Open:    open,
	}
}

func open(_ context.Context, c backend.Config) (backend.Instance, error) {
	cfg := config{Color: "auto"}
	if err := c.Decode(&cfg); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	l := layout{width: c.Terminal.Width, terminal: c.Terminal.IsTerminal}
	switch cfg.Color {
	case "auto":
		l.color = c.Terminal.Color
	case "always":
		l.color = true
	case "never":
	default:
		return nil, &backend.ConfigError{Key: "color", Message: "write auto, always or never"}
	}
	if l.width <= 0 {
		l.width = defaultWidth
	}
	out := c.Output
	if out == nil {
		out = io.Discard
	}
	return newInstance(out, l, cfg.Verbose, time.Now), nil
}
