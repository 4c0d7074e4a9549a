package logs

import (
	"context"
	"log/slog"
	"slices"
)

// handler adds to records where they belong.
type handler struct {
	// inner has all attributes and groups; top those before the first group.
	inner, top slog.Handler
	// has is what top's attributes say already, and what is not to be said.
	has fields
	// groups are those that are open.
	groups []group
	// bridged is set when inner takes ids from the context.
	bridged bool
	// level is the least that passes; nil for what inner says.
	level slog.Leveler
}

// group is an open group, and what was added to it.
type group struct {
	name  string
	attrs []slog.Attr
}

// NewHandler returns a handler that adds to each record where in which run and
// trace it was made, as the package's documentation says, and hands it to inner.
//
// The place comes from the context that the record is logged with, so that the
// methods of a logger that take one are to be used, such as InfoContext. A
// record of no run and no span passes unchanged and without an allocation.
//
// Groups that inner has already stay around the fields. A handler of this package
// is returned as it is, those that [Fanout] joins are wrapped one by one. The
// handler keeps the rules of package testing/slogtest if inner does.
func NewHandler(inner slog.Handler) slog.Handler {
	switch h := inner.(type) {
	case *handler, *following:
		return h
	case fanout:
		return h.each(NewHandler)
	default:
		return &handler{inner: inner, top: inner}
	}
}

// without returns h, which NewHandler made, without some fields.
func without(h slog.Handler, skip fields) slog.Handler {
	switch h := h.(type) {
	case *handler:
		less := *h
		less.has |= skip
		return &less
	case *following:
		return &following{without(h.Handler, skip), h.later}
	case fanout:
		return h.each(func(one slog.Handler) slog.Handler { return without(one, skip) })
	default:
		return h
	}
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return (h.level == nil || level >= h.level.Level()) && h.inner.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	p := placeOf(ctx)
	if p.unknown() {
		return h.inner.Handle(ctx, r)
	}
	if h.bridged {
		ctx = p.context()
	}
	return h.add(ctx, p, r)
}

// add hands on what r says together with its place.
func (h *handler) add(ctx context.Context, p place, r slog.Record) error {
	var array [2 * maxPlace]slog.Attr
	has := h.has
	if len(h.groups) == 0 {
		r.Attrs(func(a slog.Attr) bool {
			has |= fieldsOf(a)
			return true
		})
	}
	list := p.appendTo(array[:0], has)
	if len(list) == 0 {
		return h.inner.Handle(ctx, r)
	}
	placed := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	if len(h.groups) == 0 {
		r.Attrs(func(a slog.Attr) bool {
			list = append(list, a)
			return true
		})
	} else if a, ok := h.grouped(r); ok {
		list = append(list, a)
	}
	placed.AddAttrs(list...)
	return h.top.Handle(ctx, placed)
}

// grouped returns what r says inside the open groups, and false when that is
// nothing.
func (h *handler) grouped(r slog.Record) (slog.Attr, bool) {
	var inside []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		inside = append(inside, a)
		return true
	})
	var a slog.Attr
	for _, g := range slices.Backward(h.groups) {
		all := make([]slog.Attr, 0, len(g.attrs)+len(inside))
		all = append(append(all, g.attrs...), inside...)
		if len(all) == 0 {
			continue
		}
		a = slog.Attr{Key: g.name, Value: slog.GroupValue(all...)}
		inside = []slog.Attr{a}
	}
	return a, len(inside) > 0
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	with := *h
	with.inner = h.inner.WithAttrs(attrs)
	if len(h.groups) == 0 {
		with.top = with.inner
		for _, a := range attrs {
			with.has |= fieldsOf(a)
		}
		return &with
	}
	with.groups = append([]group(nil), h.groups...)
	last := &with.groups[len(with.groups)-1]
	last.attrs = append(append([]slog.Attr(nil), last.attrs...), attrs...)
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.inner = h.inner.WithGroup(name)
	with.groups = append(append([]group(nil), h.groups...), group{name: name})
	return &with
}
