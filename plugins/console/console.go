package console

import (
	"context"
	"io"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/buildinfo"
)

// config is what a manifest says.
type config struct {
	Color   string `enum:"auto,always,never" json:"color"                                                                               jsonschema:"Whether the text has colours: auto means that a terminal which can show them gets them."`
	Verbose bool   `json:"verbose,omitzero"  jsonschema:"Also print map items, what runs inside them, retries, span ids and functions."`
}

// New returns the backend.
func New() backend.Backend {
	b := backend.New("console", config{Color: "auto"}, open)
	b.Version, b.Linger = buildinfo.Version(), 20*time.Millisecond
	return b
}

func open(_ context.Context, c backend.Config, cfg config) (backend.Instance, error) {
	l := layout{width: c.Terminal.Width, terminal: c.Terminal.IsTerminal, color: c.Terminal.Color}
	switch cfg.Color {
	case "auto":
	case "always":
		l.color = true
	case "never":
		l.color = false
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
