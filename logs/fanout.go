package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// fanout hands each record to several handlers.
type fanout []*sink

// sink is one of them.
type sink struct {
	slog.Handler

	failed *atomic.Bool // shared by all that come from the same handler
}

// Fanout returns a handler that hands each record to every one of the handlers
// that is enabled for it, in their order. One that returns an error or panics
// keeps the record from none of the others; they get a WARN record that says so
// once, about the first such failure.
//
// Each handler is called on the goroutine that logs: one that waits makes it
// wait.
func Fanout(handlers ...slog.Handler) slog.Handler {
	all := make(fanout, 0, len(handlers))
	for _, h := range handlers {
		all = append(all, &sink{Handler: h, failed: new(atomic.Bool)})
	}
	return all
}

// Enabled implements slog.Handler.
func (f fanout) Enabled(ctx context.Context, level slog.Level) bool {
	for _, s := range f {
		if s.Enabled(ctx, level) {
			return true
		}
	}
	return false
}

// Handle implements slog.Handler. It returns the errors of all handlers, joined.
func (f fanout) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	for _, s := range f {
		if !s.Enabled(ctx, r.Level) {
			continue
		}
		if err := s.Handle(ctx, r.Clone()); err != nil {
			errs = append(errs, err)
			if s.failed.CompareAndSwap(false, true) {
				f.tell(ctx, s, r, err)
			}
		}
	}
	return errors.Join(errs...)
}

// tell says to the others that s failed.
func (f fanout) tell(ctx context.Context, s *sink, r slog.Record, err error) {
	note := slog.NewRecord(r.Time, slog.LevelWarn, "a log handler failed; what it lost is not told again", 0)
	note.AddAttrs(slog.String("handler", fmt.Sprintf("%T", s.Handler)), slog.String(keyExceptionMessage, shorten(err.Error(), maxMessage)))
	for _, other := range f {
		if other != s && other.Enabled(ctx, note.Level) {
			_ = other.Handle(ctx, note.Clone())
		}
	}
}

// WithAttrs implements slog.Handler.
func (f fanout) WithAttrs(attrs []slog.Attr) slog.Handler {
	return f.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (f fanout) WithGroup(name string) slog.Handler {
	return f.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f fanout) each(with func(slog.Handler) slog.Handler) fanout {
	all := make(fanout, 0, len(f))
	for _, s := range f {
		derived := *s
		_ = protect(func() error {
			derived.Handler = with(s.Handler)
			return nil
		})
		all = append(all, &derived)
	}
	return all
}

// Enabled implements slog.Handler: one that panics is not.
func (s *sink) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	_ = protect(func() error {
		enabled = s.Handler.Enabled(ctx, level)
		return nil
	})
	return enabled
}

// Handle implements slog.Handler.
func (s *sink) Handle(ctx context.Context, r slog.Record) error {
	return protect(func() error { return s.Handler.Handle(ctx, r) })
}

// protect calls f and makes its panic an error.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}
