package logs

import (
	"context"
	"log/slog"
	"slices"

	"github.com/spanloom/spanloom/privacy"
)

// redacting hides secrets in what it hands to a handler that has no ReplaceAttr.
type redacting struct {
	inner    slog.Handler
	redactor *privacy.Redactor
	groups   []string // that are open
}

// Enabled implements slog.Handler.
func (h *redacting) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *redacting) Handle(ctx context.Context, r slog.Record) error {
	shown := slog.NewRecord(r.Time, r.Level, h.redactor.Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		shown.AddAttrs(h.attr(h.groups, a))
		return true
	})
	return h.inner.Handle(ctx, shown)
}

// attr hides what is secret in an attribute. Of a group it is that of its members.
func (h *redacting) attr(groups []string, a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindGroup {
		return h.redactor.Attr(groups, a)
	}
	members := slices.Clone(a.Value.Group())
	if a.Key != "" {
		groups = append(slices.Clip(groups), a.Key)
	}
	for i := range members {
		members[i] = h.attr(groups, members[i])
	}
	a.Value = slog.GroupValue(members...)
	return a
}

// WithAttrs implements slog.Handler.
func (h *redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = slices.Clone(attrs)
	for i := range attrs {
		attrs[i] = h.attr(h.groups, attrs[i])
	}
	return &redacting{h.inner.WithAttrs(attrs), h.redactor, h.groups}
}

// WithGroup implements slog.Handler.
func (h *redacting) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &redacting{h.inner.WithGroup(name), h.redactor, append(slices.Clip(h.groups), name)}
}
