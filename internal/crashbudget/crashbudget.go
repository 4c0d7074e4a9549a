// Package crashbudget bounds what is told of the map items of a crashed run: no more
// of them have spans than of those of a run that ended.
package crashbudget

import (
	"maps"
	"sync"

	"github.com/spanloom/spanloom/callbacks"
)

// Budget decides which scopes of crashed runs have spans. All methods may be called
// concurrently.
type Budget struct {
	// Max is the most items of a map.
	Max int

	mu   sync.Mutex
	maps map[place]map[int]struct{}
}

// place is a span in a trace.
type place struct {
	trace callbacks.TraceID
	span  callbacks.SpanID
}

// Keeps reports whether a scope that OnCrashed told of has a span: all items that it
// is in, and it itself, must be among those that have. What was inside an item is told
// before it, and comes with it. The root pipeline, which is told last, ends the count.
func (b *Budget) Keeps(cc *callbacks.CallbackContext) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cc.Parent() == nil {
		maps.DeleteFunc(b.maps, func(at place, _ map[int]struct{}) bool { return at.trace == cc.TraceID() })
		return true
	}
	for at := cc; at != nil; at = at.Parent() {
		if at.Kind() == callbacks.KindMapItem && !b.keeps(at) {
			return false
		}
	}
	return true
}

// keeps is Keeps for an item.
func (b *Budget) keeps(item *callbacks.CallbackContext) bool {
	m := place{item.TraceID(), item.ParentSpanID()}
	kept := b.maps[m]
	if _, ok := kept[item.Index()]; ok {
		return true
	}
	if len(kept) >= b.Max {
		return false
	}
	if kept == nil {
		kept = map[int]struct{}{}
		if b.maps == nil {
			b.maps = map[place]map[int]struct{}{}
		}
		b.maps[m] = kept
	}
	kept[item.Index()] = struct{}{}
	return true
}
