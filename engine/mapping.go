package engine

import (
	"cmp"
	"slices"
	"sync"
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
	op    *op
	cc    *callbacks.CallbackContext

	_       [64]byte // every worker writes claimed for every item: a cache line of its own
	claimed atomic.Int64
	_       [56]byte

	lanes atomic.Int32 // of a map with a limit: those who claim items
	left  atomic.Int64 // items that have not ended, or not been told of

	succeeded, failed, cached, stopped atomic.Int64
	passed, missed                     atomic.Int64 // items that never began; that no cache had

	shared [4]shared // inputs of all items, encoded when needed

	mu   sync.Mutex
	errs []itemError // of a map that continues on error
}

// itemError is the failure of an item.
type itemError struct {
	index int
	err   *Error
}

// join reports whether one more may claim items of m.
func (m *mapping) join(r *run) bool {
	if m.op.limit == 0 {
		return true
	}
	n := int(m.lanes.Add(1))
	if n == m.op.limit {
		r.closeMap(m)
	}
	return n <= m.op.limit
}

// again returns the index of an item that nobody else has; -1 when all are
// taken.
func (m *mapping) again(r *run) int {
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
type tally struct{ ended, succeeded, failed, stopped, passed int64 }

// done tells the map of items that ended and reports whether they were the last.
func (m *mapping) done(t tally) bool {
	if t.ended == 0 {
		return false
	}
	m.succeeded.Add(t.succeeded)
	m.failed.Add(t.failed)
	m.stopped.Add(t.stopped)
	m.passed.Add(t.passed)
	return m.left.Add(-t.ended) == 0
}

// told is done for the items that the worker has ended.
func (w *worker) told(m *mapping) bool {
	t := w.tally
	w.tally = tally{}
	return m.done(t)
}

// startMap begins a map and runs items of it.
func (w *worker) startMap(f *frame, id int32, o *op) task {
	r := w.run
	m := &mapping{items: o.bind(f, o), frame: f, id: id, op: o}
	m.left.Store(int64(m.size))
	m.cc = w.begin(f, o.top, f.scopes[o.scope], callbacks.KindMap, o.info, -1)
	r.log.begun(f, m.cc, callbacks.HookMapEnd)
	if f.wants(callbacks.HookMapStart) {
		f.ears.callback.OnMapStart(m.cc, callbacks.MapStart{Size: m.size, Concurrency: m.concurrency(), Inputs: f.inputs(id)})
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

func (m *mapping) concurrency() int {
	limit := int(m.frame.run.limit)
	if m.op.limit > 0 {
		limit = min(limit, m.op.limit)
	}
	return limit
}

// help runs items of m until none is left, or begins one that is a body.
func (w *worker) help(m *mapping) task {
	if !m.join(w.run) {
		return task{}
	}
	if m.call != nil {
		return w.items(m, m.again(w.run))
	}
	if m.op.limit == 0 {
		w.mapping = m
	}
	return w.item(m)
}

// items runs item i of a map over a node, and others, until none is left.
func (w *worker) items(m *mapping, i int) task {
	r, f := w.run, m.frame
	quiet := i >= 0 && m.op.guard == nil && f.quiet()
	for i >= 0 {
		if f.over() {
			w.tally.ended++
			w.tally.passed++
			i = m.again(r)
			continue
		}
		if quiet {
			w.quietItem(m, i)
			i = m.again(r)
			continue
		}
		cc := w.begin(f, false, m.cc, callbacks.KindMapItem, m.op.info, i)
		if m.op.guard != nil || r.log != nil {
			if !w.guardedItem(m, i, cc) {
				if !m.join(r) {
					break
				}
			}
			i = m.again(r)
			continue
		}
		err := w.runItem(m, i, cc, f.wants(callbacks.HookMapItemStart))
		w.now.inCode = false
		if err != nil {
			w.endItem(m, i, cc, err, 1, nil)
		} else {
			w.tally.ended++
			w.tally.succeeded++
		}
		i = m.again(r)
	}
	if w.told(m) {
		return w.endMap(m)
	}
	return task{}
}

// runItem is runNode for an item.
func (w *worker) runItem(m *mapping, i int, cc *callbacks.CallbackContext, start bool) (err error) {
	at := inStart
	e := m.frame.ears
	defer func() {
		switch at {
		case returned:
		case inCode:
			err = newPanicError(recover()) // of no use when the goroutine is being ended
		case inStart:
			if e.recovered(callbacks.HookMapItemStart, cc, recover()) {
				err = w.runItem(m, i, cc, false)
			}
		case inEnd:
			e.recovered(callbacks.HookMapItemEnd, cc, recover())
		}
	}()
	if start {
		e.direct.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: m.inputs(i), Label: m.labelOf(i)})
	}
	w.now.item(m, i, false)
	at = inCode
	err = m.call(cc, i)
	w.now.inCode = false
	if e.hooks&(callbacks.HookEmit|callbacks.HookMetric|callbacks.HookMapItemEnd) != 0 {
		cc.End()
	}
	if err == nil && e.hooks&callbacks.HookMapItemEnd != 0 {
		at = inEnd
		e.direct.OnMapItemEnd(cc, callbacks.MapItemEnd{
			End:      callbacks.End{Result: callbacks.ResultSuccess, Duration: cc.Elapsed()},
			Attempts: 1, Outputs: m.outputs(i), Label: m.labelOf(i),
		})
	}
	at = returned
	return err
}

// quietItem runs an item that nobody hears.
func (w *worker) quietItem(m *mapping, i int) {
	ctx := w.lazyContext()
	m.cc.BeginLazy(ctx, m.op.info, int32(i))
	err := w.runQuietItem(m, i, ctx)
	w.now.inCode = false // not before: after a panic the goroutine may be ended yet
	if err != nil {
		w.endItem(m, i, ctx.Context(), err, 1, nil)
		return
	}
	w.tally.ended++
	w.tally.succeeded++
}

// runQuietItem calls the code of an item that nobody hears.
func (w *worker) runQuietItem(m *mapping, i int, ctx *callbacks.LazyContext) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = newPanicError(recover()) // of no use when the goroutine is being ended
		}
	}()
	w.now.item(m, i, true)
	err = m.call(ctx, i)
	returned = true
	return err
}

// endItem ends an item that is a node.
func (w *worker) endItem(m *mapping, i int, cc *callbacks.CallbackContext, err error, attempts int, look *callbacks.CacheLookup) {
	f := m.frame
	f.ended(cc, callbacks.HookMapItemEnd)
	w.tally.ended++
	looked(&m.missed, look)
	end := callbacks.End{Result: callbacks.ResultSuccess}
	var out callbacks.Values
	switch {
	case err == nil:
		w.tally.succeeded++
		out = m.outputs(i)
	case err == errStopPipeline: //nolint:errorlint // the engine's own, never wrapped
		w.tally.stopped++
		end.Result = callbacks.ResultSkip
	case m.op.tolerant && f.domain.ctx.Err() == nil:
		var e *Error
		if e, end = f.failTolerated(cc, err, attempts); e != nil {
			w.tally.failed++
			m.keep(i, e)
		}
	default:
		end = f.fail(cc, err, attempts)
		if end.Result != callbacks.ResultCancellation && end.Result != callbacks.ResultSkip {
			w.tally.failed++
		}
	}
	w.tellItemEnd(m, cc, callbacks.MapItemEnd{End: end, Attempts: attempts, Outputs: out, Cache: look})
}

func (w *worker) tellItemEnd(m *mapping, cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	if m.frame.wants(callbacks.HookMapItemEnd) {
		ev.Duration, ev.Label = cc.Elapsed(), m.labelOf(cc.Index())
		m.frame.ears.callback.OnMapItemEnd(cc, ev)
	}
}

// item begins the next item of a map over a body.
func (w *worker) item(m *mapping) task {
	r, f := w.run, m.frame
	i := m.again(r)
	for ; i >= 0 && f.over(); i = m.again(r) {
		w.tally.ended++
		w.tally.passed++
	}
	if i < 0 {
		if w.told(m) {
			return w.endMap(m)
		}
		return task{}
	}
	cc := w.begin(f, false, m.cc, callbacks.KindMapItem, m.op.info, i)
	r.log.begun(f, cc, callbacks.HookMapItemEnd)
	if f.wants(callbacks.HookMapItemStart) {
		f.ears.callback.OnMapItemStart(cc, callbacks.MapItemStart{Inputs: m.inputs(i), Label: m.labelOf(i)})
	}
	sub := f.enterBody(m.id, m.op.bodies[0], cc, m.op.tolerant)
	sub.mapping, sub.index = m, i
	m.give(sub, i)
	return task{frame: sub}
}

// endMapBody ends an item that is a body.
func (w *worker) endMapBody(sub *frame) task {
	m, i, cc := sub.mapping, sub.index, sub.scopes[0]
	f := m.frame
	how := sub.leaveBody()
	f.ended(cc, callbacks.HookMapItemEnd)
	ev := callbacks.MapItemEnd{End: f.scopeEnd(cc, how == bodyCut), Attempts: 1}
	if how == bodyStopped && ev.Result == callbacks.ResultSuccess {
		ev.Result = callbacks.ResultSkip
	}
	t := tally{ended: 1}
	if how == bodyDone {
		m.take(sub, i)
		ev.Outputs = m.outputs(i)
	}
	switch ev.Result {
	case callbacks.ResultSuccess:
		t.succeeded = 1
		sub.free()
	case callbacks.ResultSkip:
		if how == bodyStopped {
			t.stopped = 1
		}
	case callbacks.ResultCancellation:
	default:
		t.failed = 1
		if e, ok := ev.Err.(*Error); ok && m.op.tolerant { //nolint:errorlint // as scopeEnd gave it
			m.keep(i, e)
		}
	}
	w.tellItemEnd(m, cc, ev)
	w.run.log.done(f, cc, callbacks.HookMapItemEnd)
	switch {
	case m.done(t):
		return w.endMap(m)
	case m.op.limit > 0:
		return w.item(m)
	default:
		return task{}
	}
}

// keep keeps the failure of an item.
func (m *mapping) keep(i int, e *Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errs = append(m.errs, itemError{i, e})
	if len(m.errs) >= 2*maxItemErrors {
		m.errs = firstErrors(m.errs)
	}
}

// firstErrors returns those of the first items.
func firstErrors(errs []itemError) []itemError {
	slices.SortFunc(errs, func(a, b itemError) int { return cmp.Compare(a.index, b.index) })
	first := min(len(errs), maxItemErrors)
	clear(errs[first:])
	return errs[:first]
}

// itemsError returns the failures of the items.
func (m *mapping) itemsError(failed int) *ItemsError {
	e := &ItemsError{Failed: failed, Size: m.size}
	for _, one := range firstErrors(m.errs) {
		e.Errors = append(e.Errors, one.err)
	}
	return e
}

// endMap ends a map whose items have all ended.
func (w *worker) endMap(m *mapping) task {
	f := m.frame
	ev := callbacks.MapEnd{
		Succeeded: int(m.succeeded.Load()), Failed: int(m.failed.Load()), Cached: int(m.cached.Load()),
		Concurrency: m.concurrency(),
	}
	f.totals[m.op.scope].add(callbacks.Counts{
		Nodes: m.size - int(m.passed.Load()), Cached: ev.Cached, Missed: int(m.missed.Load()),
	})
	ev.Skipped = m.size - ev.Succeeded - ev.Failed - ev.Cached
	cut := ev.Skipped > int(m.stopped.Load())
	if m.op.tolerant && ev.Failed > 0 && (!cut || f.run.stoppedAt(m.cc)) {
		f.run.tolerate(m.cc, f.domain.holder(), &Error{
			Path: m.cc.Path(), Item: itemOf(m.cc), Attempt: 1, result: callbacks.ResultFailure,
			Err: m.itemsError(ev.Failed),
		})
	}
	ev.End = f.scopeEnd(m.cc, cut)
	e, _ := ev.Err.(*Error) //nolint:errorlint // as scopeEnd gave it
	if ev.Result == callbacks.ResultSuccess || e != nil && e.tolerated && !cut {
		ev.Outputs = f.outputs(m.id)
	} else {
		f.cut[m.op.scope].Store(true)
	}
	if f.wants(callbacks.HookMapEnd) {
		ev.Duration = m.cc.Elapsed()
		f.ears.callback.OnMapEnd(m.cc, ev)
	}
	f.run.log.done(f, m.cc, callbacks.HookMapEnd)
	return w.next(f, m.id)
}

// mapping is a callbacks.ValueSource. A scope of it is the index of an item,
// times two, plus one for its output.
var _ callbacks.ValueSource = (*mapping)(nil)

func (m *mapping) inputs(i int) callbacks.Values  { return callbacks.NewValues(m, int32(i*2)) }
func (m *mapping) outputs(i int) callbacks.Values { return callbacks.NewValues(m, int32(i*2+1)) }

// Len implements callbacks.ValueSource.
func (m *mapping) Len(scope int32) int {
	if scope%2 == 1 {
		return 1
	}
	return int(m.op.inputs)
}

// At implements callbacks.ValueSource.
func (m *mapping) At(scope int32, arg int) any {
	if scope%2 == 1 {
		return m.out(int(scope / 2))
	}
	return m.in(int(scope/2), arg)
}
