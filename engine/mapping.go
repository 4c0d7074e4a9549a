package engine

import (
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// mapping is a map while it runs. Workers claim its items one by one, so that no
// item waits behind another, until none is left; the one who ends the last item
// goes on with what follows.
type mapping struct {
	items
	frame *frame
	id    int32
	cc    *callbacks.CallbackContext

	_       [64]byte // every worker writes claimed for every item: a cache line of its own
	claimed atomic.Int64
	_       [56]byte

	left              atomic.Int64 // items that have not ended, or not been told of
	succeeded, failed atomic.Int64
}

// claim returns the index of an item that nobody else has; -1 when all are
// taken.
func (m *mapping) claim(r *run) int {
	i := int(m.claimed.Add(1)) - 1
	if i >= m.size {
		return -1
	}
	if i == m.size-1 && m.size > 1 {
		r.closeMap(m)
	}
	return i
}

// tally counts items that ended and that the map has not been told of.
type tally struct{ ended, succeeded, failed int64 }

// done tells the map of items that ended and reports whether they were the last.
func (m *mapping) done(t tally) bool {
	if t.ended == 0 {
		return false
	}
	m.succeeded.Add(t.succeeded)
	m.failed.Add(t.failed)
	return m.left.Add(-t.ended) == 0
}

// startMap begins a map and runs items of it.
func (w *worker) startMap(f *frame, id int32, o *op) task {
	r := w.run
	if r.halted.Load() {
		f.cut[o.scope].Store(true)
		return w.next(f, id)
	}
	m := &mapping{items: o.bind(f, o), frame: f, id: id}
	m.left.Store(int64(m.size))
	m.cc = w.begin(f.scopes[o.scope], callbacks.KindMap, o.info, -1)
	if r.wants(callbacks.HookMapStart) {
		r.callback.OnMapStart(m.cc, callbacks.MapStart{Size: m.size, Concurrency: int(r.limit), Inputs: f.inputs(id)})
	}
	switch m.size {
	case 0:
		return w.endMap(m)
	case 1:
	default:
		r.offerMap(m)
	}
	return w.help(m)
}

// help runs items of m until none is left, or begins one that is a pipeline.
func (w *worker) help(m *mapping) task {
	if m.call == nil {
		w.mapping = m
		return w.item(m)
	}
	return w.items(m)
}

// items runs items of a map over a node until none is left.
func (w *worker) items(m *mapping) task {
	r := w.run
	info := m.frame.plan.ops[m.id].info
	for i := m.claim(r); i >= 0; i = m.claim(r) {
		if r.halted.Load() {
			w.tally.ended++
			continue
		}
		cc := w.begin(m.cc, callbacks.KindMapItem, info, i)
		if r.wants(callbacks.HookMapItemStart) {
			r.callback.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: m.inputs(i)})
		}
		w.now = current{inCode: true, cc: cc, mapping: m, index: i}
		err := protect(func() error { return m.call(cc, i) })
		w.now.inCode = false
		w.endItem(m, i, cc, err)
	}
	t := w.tally
	w.tally = tally{}
	if m.done(t) {
		return w.endMap(m)
	}
	return task{}
}

// endItem ends an item that is a node.
func (w *worker) endItem(m *mapping, i int, cc *callbacks.CallbackContext, err error) {
	r := w.run
	w.tally.ended++
	end := callbacks.End{Result: callbacks.ResultSuccess}
	var out callbacks.Values
	if err == nil {
		w.tally.succeeded++
		out = m.outputs(i)
	} else if end = r.fail(cc, err); end.Result != callbacks.ResultCancellation {
		w.tally.failed++
	}
	if r.wants(callbacks.HookMapItemEnd) {
		end.Duration = cc.Elapsed()
		r.callback.OnMapItemEnd(cc, callbacks.MapItemEnd{End: end, Outputs: out})
	}
}

// item begins the next item of a map over a pipeline.
func (w *worker) item(m *mapping) task {
	r := w.run
	i := m.claim(r)
	for ; i >= 0 && r.halted.Load(); i = m.claim(r) {
		w.tally.ended++
	}
	if i < 0 {
		t := w.tally
		w.tally = tally{}
		if m.done(t) {
			return w.endMap(m)
		}
		return task{}
	}
	o := &m.frame.plan.ops[m.id]
	cc := w.begin(m.cc, callbacks.KindMapItem, o.info, i)
	if r.wants(callbacks.HookMapItemStart) {
		r.callback.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: m.inputs(i)})
	}
	sub := o.sub.frame()
	sub.run, sub.item, sub.index, sub.outer = r, m, i, cc
	m.give(sub, i)
	return task{sub, 0}
}

// endFrame ends an item that is a pipeline.
func (w *worker) endFrame(sub *frame) task {
	r := w.run
	m, i, cc := sub.item, sub.index, sub.outer
	end := r.scopeEnd(cc, sub.cut[0].Load() || sub.scopes[0] == nil)
	var out callbacks.Values
	t := tally{ended: 1}
	switch end.Result {
	case callbacks.ResultSuccess:
		m.take(sub, i)
		out = m.outputs(i)
		t.succeeded = 1
		sub.free()
	case callbacks.ResultCancellation:
	default:
		t.failed = 1
	}
	if r.wants(callbacks.HookMapItemEnd) {
		end.Duration = cc.Elapsed()
		r.callback.OnMapItemEnd(cc, callbacks.MapItemEnd{End: end, Outputs: out})
	}
	if m.done(t) {
		return w.endMap(m)
	}
	return task{}
}

// endMap ends a map whose items have all ended.
func (w *worker) endMap(m *mapping) task {
	r, f := w.run, m.frame
	succeeded, failed := int(m.succeeded.Load()), int(m.failed.Load())
	skipped := m.size - succeeded - failed
	end := r.scopeEnd(m.cc, skipped > 0)
	var out callbacks.Values
	if end.Err != nil {
		f.cut[f.plan.ops[m.id].scope].Store(true)
	} else {
		out = f.outputs(m.id)
	}
	if r.wants(callbacks.HookMapEnd) {
		end.Duration = m.cc.Elapsed()
		r.callback.OnMapEnd(m.cc, callbacks.MapEnd{
			End: end, Concurrency: int(r.limit), Succeeded: succeeded, Failed: failed, Skipped: skipped, Outputs: out,
		})
	}
	return w.next(f, m.id)
}

// mapping is a callbacks.ValueSource. A scope of it is the index of an item,
// times two, plus one for its output.
var _ callbacks.ValueSource = (*mapping)(nil)

func (m *mapping) inputs(i int) callbacks.Values  { return callbacks.NewValues(m, int32(i*2)) }
func (m *mapping) outputs(i int) callbacks.Values { return callbacks.NewValues(m, int32(i*2+1)) }

// Len implements callbacks.ValueSource.
func (m *mapping) Len(int32) int { return 1 }

// At implements callbacks.ValueSource.
func (m *mapping) At(scope int32, _ int) any { return m.at(int(scope/2), scope%2 == 1) }
