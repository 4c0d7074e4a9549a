package telemetry

import (
	"cmp"
	"encoding/binary"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/spanloom/spanloom/callbacks"
)

// MapItems says which items of a map have spans.
type MapItems string

// The choices of [Fanout].
const (
	// AllItems: all, as far as there is room.
	AllItems MapItems = "all"
	// FailedAndSlowItems: those that failed, and the ten that took longest.
	FailedAndSlowItems MapItems = "failed_and_slow"
	// NoItems: none.
	NoItems MapItems = "none"
)

const (
	// DefaultMaxPerMap is the most items of a map that have spans.
	DefaultMaxPerMap = 1000
	// slowest is how many of the items that did not fail are slow.
	slowest = 10
)

// Fanout bounds the spans of maps. What runs inside an item that is left out is left
// out too. How many are, how many of them failed, and their shortest, longest and
// total time stand on the span of the map.
//
// What is kept does not depend on the order in which items end: of those that may
// be kept, first those that failed, then those that took longest, then those with
// the lowest index. It is therefore known when the map ends; until then the spans
// of its items wait in memory, at most 32,768 in all. The items of a map that is
// kept whole do not wait.
type Fanout struct {
	// Items says which items may be kept. Defaults to AllItems.
	Items MapItems
	// Max is the most items of one map that are kept. Defaults to 1000.
	Max int
	// Ratio keeps a part of the items that did not fail, from 0 to 1, chosen by
	// their span ids: the same in all processes. Defaults to 1.
	Ratio float64
}

func (f Fanout) withDefaults() Fanout {
	f.Items = cmp.Or(f.Items, AllItems)
	f.Max = cmp.Or(max(f.Max, 0), DefaultMaxPerMap)
	f.Ratio = cmp.Or(f.Ratio, 1)
	return f
}

// most returns how many items of a map may have spans.
func (f Fanout) most() int {
	if f.Items == NoItems {
		return 0
	}
	return f.Max
}

// whole reports whether all items of a map are kept.
func (f Fanout) whole(size int) bool {
	return f.Items == AllItems && f.Ratio >= 1 && size <= f.Max
}

// slow returns how many items that did not fail may be kept.
func (f Fanout) slow() int {
	switch f.Items {
	case NoItems:
		return 0
	case FailedAndSlowItems:
		return min(slowest, f.Max)
	default:
		return f.Max
	}
}

// item is an item of a map, with the spans inside and its own, the last.
type item struct {
	index    int
	failed   bool
	ran      bool // rather than cached, or stopped
	duration time.Duration
	id       callbacks.SpanID
	spans    []*span
}

// before reports whether a is kept rather than b.
func (a *item) before(b *item) bool {
	switch {
	case a.failed != b.failed:
		return a.failed
	case a.duration != b.duration:
		return a.duration > b.duration
	default:
		return a.index < b.index
	}
}

// may reports whether an item may be kept.
func (f Fanout) may(it *item) bool {
	switch {
	case f.Items == NoItems:
		return false
	case it.failed:
		return true
	case f.Items == FailedAndSlowItems && !it.ran:
		return false
	default:
		return below(binary.BigEndian.Uint64(it.id[:]), f.Ratio)
	}
}

// heldMap is a map whose items wait for its end.
type heldMap struct {
	scope        *callbacks.CallbackContext
	open         map[callbacks.SpanID]*item // items that have not ended, with what is inside
	failed, slow ranking
	left         left
}

// offer takes an item, and returns those that are left out for it.
func (m *heldMap) offer(f Fanout, it *item) (out []*item) {
	if !f.may(it) {
		return []*item{it}
	}
	if it.failed {
		m.failed.push(it)
	} else {
		m.slow.push(it)
	}
	for len(m.slow) > f.slow() || len(m.slow) > 0 && len(m.failed)+len(m.slow) > f.Max {
		out = append(out, m.slow.pop())
	}
	for len(m.failed) > f.Max {
		out = append(out, m.failed.pop())
	}
	return out
}

// worst takes the item that is kept last; nil when there is none.
func (m *heldMap) worst() *item {
	switch {
	case len(m.slow) > 0:
		return m.slow.pop()
	case len(m.failed) > 0:
		return m.failed.pop()
	default:
		return nil
	}
}

// left says what of a map is left out.
type left struct {
	count, failed     int
	shortest, longest time.Duration
	total             time.Duration
}

func (l *left) add(it *item) {
	if l.count == 0 || it.duration < l.shortest {
		l.shortest = it.duration
	}
	l.longest = max(l.longest, it.duration)
	l.total += it.duration
	l.count++
	if it.failed {
		l.failed++
	}
}

// attributes returns what stands on the span of the map.
func (l *left) attributes() []attribute.KeyValue {
	if l.count == 0 {
		return nil
	}
	return []attribute.KeyValue{
		keyLeftCount.Int(l.count), keyLeftFailed.Int(l.failed),
		keyLeftShortest.Float64(l.shortest.Seconds()), keyLeftLongest.Float64(l.longest.Seconds()),
		keyLeftTotal.Float64(l.total.Seconds()),
	}
}
