package engine

import (
	"fmt"
	"unicode/utf8"
)

// maxLabel is the most characters of an item's label.
const maxLabel = 100

// labelled returns the bind of a map, whose items have labels if the place says so.
func labelled[I any](def *definition, u place) bind {
	if u.label == nil {
		return u.bind
	}
	label, ok := u.label.(func(I) string)
	if !ok {
		def.errorf("node %q: the function of engine.WithLabel is a %T; the items of the map ask for a %s", u.info.Name, u.label, fmt.Sprintf("%T", label))
		return u.bind
	}
	plain := u.bind
	return func(f *frame, o *op) items {
		in := load[[]I](f, o.in[0])
		it := plain(f, o)
		it.label = func(i int) string { return label(in[i]) }
		return it
	}
}

// labelOf returns the label of an item; empty when there is none.
func (m *mapping) labelOf(i int) string {
	if m.label == nil {
		return ""
	}
	return m.makeLabel(i)
}

// makeLabel calls code that is not ours: one that panics gives no label.
func (m *mapping) makeLabel(i int) (label string) {
	_ = protect(func() error {
		label = cutLabel(m.label(i))
		return nil
	})
	return label
}

func cutLabel(s string) string {
	if len(s) <= maxLabel || utf8.RuneCountInString(s) <= maxLabel {
		return s
	}
	const dots = "..."
	runes := 0
	for i := range s {
		if runes == maxLabel-len(dots) {
			return s[:i] + dots
		}
		runes++
	}
	return s
}
