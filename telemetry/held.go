package telemetry

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// maxHeld is the most spans that wait for the end of a map.
	maxHeld = 32 << 10
	// maxHeldMaps is the most maps whose items wait: where Ends are lost, they
	// would wait for ever.
	maxHeldMaps = 1024
)

// held keeps the spans that wait for the end of a map. While no map has any, a
// span costs one load.
type held struct {
	fanout Fanout
	open   atomic.Int64 // maps

	mu    sync.Mutex
	maps  map[noted]*heldMap
	count int // spans
}

// begin begins to hold the items of a map, unless it is kept whole. It returns
// another map that waits no longer.
func (h *held) begin(cc *callbacks.CallbackContext, size int) (gone *heldMap) {
	if h.fanout.whole(size) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.maps == nil {
		h.maps = map[noted]*heldMap{}
	}
	if len(h.maps) >= maxHeldMaps {
		for k := range h.maps { // whichever: it is not known what was lost
			gone = h.remove(k)
			break
		}
	}
	h.maps[key(cc)] = &heldMap{scope: cc, open: map[callbacks.SpanID]*item{}}
	h.open.Store(int64(len(h.maps)))
	return gone
}

// remove ends the holding of a map.
func (h *held) remove(k noted) *heldMap {
	m := h.maps[k]
	if m == nil {
		return nil
	}
	delete(h.maps, k)
	h.open.Store(int64(len(h.maps)))
	for _, it := range m.kept() {
		h.count -= len(it.spans)
	}
	return m
}

// around returns the innermost item around cc, or cc's own, whose map is held.
func (h *held) around(cc *callbacks.CallbackContext) (*heldMap, *callbacks.CallbackContext) {
	for ; cc != nil; cc = cc.Parent() {
		if cc.Kind() != callbacks.KindMapItem || cc.Parent() == nil {
			continue
		}
		if m := h.maps[key(cc.Parent())]; m != nil {
			return m, cc
		}
	}
	return nil, nil
}

// take takes a span of cc, or of an attempt of it, if it must wait. end says how cc
// ended, for its own span. It returns how many spans are left out for it.
func (h *held) take(cc *callbacks.CallbackContext, s *span, end *callbacks.End) (taken bool, out int) {
	if h.open.Load() == 0 {
		return false, 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m, of := h.around(cc)
	if m == nil {
		return false, 0
	}
	if of == cc && end != nil {
		return true, h.ended(m, cc, s, end)
	}
	if h.fanout.Items == NoItems {
		return true, 1
	}
	if h.count >= maxHeld {
		no := m.worst()
		if no == nil {
			return true, 1
		}
		out = h.leave(m, no)
	}
	it := m.open[of.SpanID()]
	if it == nil {
		it = &item{}
		m.open[of.SpanID()] = it
	}
	it.spans = append(it.spans, s)
	h.count++
	return true, out
}

// ended takes the span of an item, with what was inside.
func (h *held) ended(m *heldMap, cc *callbacks.CallbackContext, s *span, end *callbacks.End) (out int) {
	it := m.open[cc.SpanID()]
	if it == nil {
		it = &item{}
	}
	delete(m.open, cc.SpanID())
	it.index, it.id, it.spans = cc.Index(), cc.SpanID(), append(it.spans, s)
	h.count++
	it.duration, it.ran = end.Duration, end.Duration > 0
	switch end.Result {
	case callbacks.ResultFailure, callbacks.ResultError, callbacks.ResultTimeout:
		it.failed = true
	case callbacks.ResultCancellation, callbacks.ResultSkip:
		it.ran = false
	default:
	}
	for _, no := range m.offer(h.fanout, it) {
		out += h.leave(m, no)
	}
	for h.count > maxHeld {
		no := m.worst()
		if no == nil {
			break
		}
		out += h.leave(m, no)
	}
	return out
}

// leave leaves an item out and returns the number of its spans.
func (h *held) leave(m *heldMap, it *item) int {
	m.left.add(it)
	h.count -= len(it.spans)
	return len(it.spans)
}

// end ends a map; nil when its items did not wait.
func (h *held) end(cc *callbacks.CallbackContext) *heldMap {
	if h.open.Load() == 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.remove(key(cc))
}

// close ends all maps that wait, or those of one run.
func (h *held) close(run *callbacks.CallbackContext) (list []*heldMap) {
	if h.open.Load() == 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for k, m := range h.maps {
		if run == nil || k.trace == run.TraceID() && m.scope.RunID() == run.RunID() {
			list = append(list, h.remove(k))
		}
	}
	return list
}

// waiting returns the number of spans that wait.
func (h *held) waiting() int {
	if h.open.Load() == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// kept returns the items that are kept, by their index, and those whose End did
// not come.
func (m *heldMap) kept() []*item {
	list := slices.Concat(m.failed, m.slow)
	slices.SortFunc(list, func(a, b *item) int { return cmp.Compare(a.index, b.index) })
	for _, it := range m.open {
		list = append(list, it)
	}
	return list
}

// out hands on the span of cc, or of an attempt of it. end says how cc ended, for
// its own span.
func (c *Callback) out(cc *callbacks.CallbackContext, s *span, end *callbacks.End) {
	taken, left := c.held.take(cc, s, end)
	c.counters.leftOut.Add(uint64(left))
	if !taken {
		c.release(cc, s)
	}
}

// outAll hands on what waited for the end of a map.
func (c *Callback) outAll(m *heldMap) {
	for _, it := range m.kept() {
		for _, s := range it.spans {
			c.out(m.scope, s, nil)
		}
	}
}

// OnMapStart begins to hold the items of a large map, and notes its inputs.
func (c *Callback) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	c.begun(cc)
	if !c.follows(cc) {
		return
	}
	if gone := c.held.begin(cc, ev.Size); gone != nil {
		c.outAll(gone)
	}
	c.inputs(cc, ev.Inputs)
}

// OnMapEnd makes the span of a map, and hands on those of its items that waited.
func (c *Callback) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	c.ended(cc)
	m := c.held.end(cc)
	if m != nil {
		c.outAll(m)
	}
	if !c.wants(cc) {
		return
	}
	s := c.mapSpan(cc, ev)
	if m != nil {
		s.add(m.left.attributes()...)
	}
	c.out(cc, s, nil)
}

// outside returns cc, or the outermost map around it whose items wait: they may be left
// out, with all that is inside.
func (h *held) outside(cc *callbacks.CallbackContext) *callbacks.CallbackContext {
	if h.open.Load() == 0 {
		return cc
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		m, _ := h.around(cc)
		if m == nil {
			return cc
		}
		cc = m.scope
	}
}
