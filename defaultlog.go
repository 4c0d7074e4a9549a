package spanloom

import (
	"context"
	"io"
	"log"
	"log/slog"
	"os"
)

// goLogger is slog's default logger until a program sets another.
var goLogger = slog.Default() //nolint:gochecknoglobals // to be compared with

// defaultLog is slog's default logger, as it is with each line. One that is Go's own
// writes to standard error, which ends the program when nobody can read that any more:
// its lines go to stderr instead.
type defaultLog struct{ stderr slog.Handler }

func newDefaultLog(stderr io.Writer) *slog.Logger {
	return slog.New(defaultLog{slog.NewTextHandler(stderr, nil)})
}

func (l defaultLog) now() slog.Handler {
	if d := slog.Default(); d != goLogger || log.Writer() != os.Stderr {
		return d.Handler()
	}
	return l.stderr
}

// Enabled implements slog.Handler.
func (l defaultLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.now().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l defaultLog) Handle(ctx context.Context, r slog.Record) error { return l.now().Handle(ctx, r) } //nolint:wrapcheck // it is that handler's

// WithAttrs implements slog.Handler.
func (l defaultLog) WithAttrs(attrs []slog.Attr) slog.Handler { return l.now().WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (l defaultLog) WithGroup(name string) slog.Handler { return l.now().WithGroup(name) }
