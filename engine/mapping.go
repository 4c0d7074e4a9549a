package engine

import (
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// mapping is a map while it runs. Workers claim its items, a chunk at a time,
// until none is left; the one who ends the last item goes on with what follows.
type mapping struct {
	items
	frame *frame
	id    int32
	cc    *callbacks.CallbackContext

	claimed atomic.Int64
	left    atomic.Int64 // items that have not ended

	succeeded, failed atomic.Int64
}

// chunk is a run of items of a map that one worker has claimed.
type chunk struct {
	mapping   *mapping
	next, end int
	size      int

	succeeded, failed int64
}

// maxChunk bounds how many items wait behind one that blocks.
const maxChunk = 32

// claim takes the next items for a worker: fewer the nearer the end is, so that
// all workers end together.
func (m *mapping) claim(r *run) chunk {
	for {
		at := m.claimed.Load()
		left := int64(m.size) - at
		if left <= 0 {
			return chunk{}
		}
		n := min(max(left/(int64(r.limit)*4), 1), maxChunk)
		switch {
		case r.halted.Load():
			n = left
		case m.call == nil:
			n = 1
		}
		if m.claimed.CompareAndSwap(at, at+n) {
			if n == left && m.size > 1 {
				r.closeMap(m)
			}
			return chunk{mapping: m, next: int(at), end: int(at + n), size: int(n)}
		}
	}
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
	w.now.chunk = m.claim(w.run)
	return w.items()
}

// items runs the rest of the worker's chunk of nodes, and further chunks of the
// same map.
func (w *worker) items() task {
	r := w.run
	c := &w.now.chunk
	for m := c.mapping; c.mapping != nil; *c = m.claim(r) {
		info := m.frame.plan.ops[m.id].info
		for c.next < c.end && !r.halted.Load() {
			cc := w.begin(m.cc, callbacks.KindMapItem, info, c.next)
			if r.wants(callbacks.HookMapItemStart) {
				r.callback.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: m.inputs(c.next)})
			}
			w.now.cc = cc
			err := w.callItem(m, cc, c.next)
			if err != nil || r.wants(callbacks.HookMapItemEnd) {
				w.endItem(cc, err)
				continue
			}
			c.next++
			c.succeeded++
		}
		if m.done(c.size, c.succeeded, c.failed) {
			*c = chunk{}
			return w.endMap(m)
		}
	}
	return task{}
}

func (w *worker) callItem(m *mapping, cc *callbacks.CallbackContext, i int) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = w.recovered(recover())
		}
	}()
	err = m.call(cc, i)
	returned = true
	return err
}

// endItem ends the next item of the worker's chunk.
func (w *worker) endItem(cc *callbacks.CallbackContext, err error) {
	r, c := w.run, &w.now.chunk
	i := c.next
	c.next++
	end := callbacks.End{Result: callbacks.ResultSuccess}
	var out callbacks.Values
	if err == nil {
		c.succeeded++
		out = c.mapping.outputs(i)
	} else if end = r.fail(cc, err); end.Result != callbacks.ResultCancellation {
		c.failed++
	}
	if r.wants(callbacks.HookMapItemEnd) {
		end.Duration = cc.Elapsed()
		r.callback.OnMapItemEnd(cc, callbacks.MapItemEnd{End: end, Outputs: out})
	}
}

// done counts items that ended and reports whether they were the last.
func (m *mapping) done(n int, succeeded, failed int64) bool {
	m.succeeded.Add(succeeded)
	m.failed.Add(failed)
	return m.left.Add(int64(-n)) == 0
}

// item begins the next item of a map over a pipeline.
func (w *worker) item(m *mapping) task {
	r := w.run
	c := m.claim(r)
	if c.mapping == nil {
		return task{}
	}
	if c.size > 1 || r.halted.Load() {
		if m.done(c.size, 0, 0) {
			return w.endMap(m)
		}
		return task{}
	}
	o := &m.frame.plan.ops[m.id]
	cc := w.begin(m.cc, callbacks.KindMapItem, o.info, c.next)
	if r.wants(callbacks.HookMapItemStart) {
		r.callback.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: m.inputs(c.next)})
	}
	sub := o.sub.frame()
	sub.run, sub.item, sub.index, sub.outer = r, m, c.next, cc
	m.give(sub, c.next)
	return task{sub, 0}
}

// endFrame ends an item that is a pipeline.
func (w *worker) endFrame(sub *frame) task {
	r := w.run
	m, i, cc := sub.item, sub.index, sub.outer
	end := r.scopeEnd(cc, sub.cut[0].Load() || sub.scopes[0] == nil)
	var out callbacks.Values
	var succeeded, failed int64
	switch end.Result {
	case callbacks.ResultSuccess:
		m.take(sub, i)
		out = m.outputs(i)
		succeeded = 1
		sub.free()
	case callbacks.ResultCancellation:
	default:
		failed = 1
	}
	if r.wants(callbacks.HookMapItemEnd) {
		end.Duration = cc.Elapsed()
		r.callback.OnMapItemEnd(cc, callbacks.MapItemEnd{End: end, Outputs: out})
	}
	if m.done(1, succeeded, failed) {
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
