package logs

import (
	"context"
	"log/slog"
)

// settler is a writer that holds lines back. Settle returns when they are written,
// or are not going to be soon.
type settler interface{ Settle() }

// settling has what may be a program's last words written before it goes on.
type settling struct {
	slog.Handler

	w settler
}

// Handle implements slog.Handler.
func (h settling) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.w.Settle()
	}
	return err //nolint:wrapcheck // it is the handler's
}

// WithAttrs implements slog.Handler.
func (h settling) WithAttrs(list []slog.Attr) slog.Handler {
	return settling{h.Handler.WithAttrs(list), h.w}
}

// WithGroup implements slog.Handler.
func (h settling) WithGroup(name string) slog.Handler {
	return settling{h.Handler.WithGroup(name), h.w}
}
