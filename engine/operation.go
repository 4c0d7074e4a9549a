package engine

import (
	"runtime"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// step runs one operation and returns the next, if there is one.
func (w *worker) step(t task) task {
	f, id := t.frame, t.id
	w.ready = t.ready
	o := &f.plan.ops[id]
	if o.kind != opExit && (f.domain.odd.Load() || f.run.watched && f.over()) && w.passOver(f, id, o) {
		return w.next(f, id)
	}
	switch o.kind {
	case opNode:
		return w.node(f, id, o)
	case opMap:
		return w.startMap(f, id, o)
	case opWire:
		w.wire(f, id, o)
	case opEnter:
		w.enter(f, id, o)
	case opExit:
		w.exit(f, id, o)
	case opCall:
		return w.body(f, id, o, o.bodies[0], f.scopes[o.scope])
	case opBranch:
		return w.branch(f, id, o)
	case opLoop:
		return w.loopStart(f, id, o)
	}
	return w.next(f, id)
}

// passOver reports whether o must not run: its domain is halted, or it needs
// what a gate stopped.
func (w *worker) passOver(f *frame, id int32, o *op) bool {
	scope := o.scope
	if o.kind == opEnter && scope > 0 {
		scope = f.plan.scopes[scope].parent
	}
	switch {
	case o.kind == opEnter && o.scope == 0 && !f.plan.inner:
		return false // the run itself
	case f.over():
		f.cut[scope].Store(true)
	case f.scopes[scope] == nil: // a gate stopped the pipeline around it
		f.kill(id)
	case f.needsDead(o):
		f.kill(id)
		w.skip(f, o, f.scopes[scope], "a gate stopped what it needs")
	default:
		return false
	}
	f.pass(o)
	return true
}

// skip tells that a step does not run.
func (w *worker) skip(f *frame, o *op, parent *callbacks.CallbackContext, reason string) {
	if o.kind == opWire || !f.wants(callbacks.HookNodeSkipped) {
		return
	}
	kind := callbacks.KindNode
	switch {
	case o.kind == opMap:
		kind = callbacks.KindMap
	case o.kind == opEnter || o.step.pipeline != nil:
		kind = callbacks.KindPipeline
	}
	cc := w.begin(f, o.top, parent, kind, o.info, -1)
	f.ears.callback.OnNodeSkipped(cc, callbacks.NodeSkipped{Reason: reason})
}

// node runs a node.
func (w *worker) node(f *frame, id int32, o *op) task {
	if o.lazy && f.quiet() {
		return w.quietNode(f, id, o)
	}
	cc := w.beginNode(f, o)
	if o.guard != nil || w.run.log != nil {
		return w.guard(&guarded{frame: f, id: id, op: o, guard: o.guard, cc: cc})
	}
	err := w.runNode(f, id, o, cc, f.wants(callbacks.HookNodeStart))
	w.now.inCode = false // not before: after a panic the goroutine may be ended yet
	if err != nil {
		w.endNode(f, id, cc, err, 1, nil)
	}
	if o.then != 0 {
		return task{frame: f, id: o.then}
	}
	return w.next(f, id)
}

// quietNode runs a node that nobody hears.
func (w *worker) quietNode(f *frame, id int32, o *op) task {
	ctx := w.lazyContext()
	f.scopes[o.scope].BeginLazy(ctx, o.info, -1)
	err := w.runQuiet(f, id, o, ctx)
	w.now.inCode = false // not before: after a panic the goroutine may be ended yet
	if err != nil {
		w.endNode(f, id, ctx.Context(), err, 1, nil)
	}
	if o.then != 0 {
		return task{frame: f, id: o.then}
	}
	return w.next(f, id)
}

// runQuiet calls the code of a node that nobody hears.
func (w *worker) runQuiet(f *frame, id int32, o *op, ctx *callbacks.LazyContext) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = newPanicError(recover()) // of no use when the goroutine is being ended
		}
	}()
	w.now.node(f, id, true)
	err = o.call(ctx, f, o)
	returned = true
	return err
}

// phase is where a function is that calls hooks and code.
type phase uint8

const (
	inStart phase = iota
	inCode
	inEnd
	returned
)

// runNode calls the Start hook, the code, and, unless that fails, the End hook.
// One deferred function for all three is most of what hooks cost.
func (w *worker) runNode(f *frame, id int32, o *op, cc *callbacks.CallbackContext, start bool) (err error) {
	at := inStart
	defer func() {
		switch at {
		case returned:
		case inCode:
			err = newPanicError(recover()) // of no use when the goroutine is being ended
		case inStart:
			if f.ears.recovered(callbacks.HookNodeStart, cc, recover()) {
				err = w.runNode(f, id, o, cc, false)
			}
		case inEnd:
			f.ears.recovered(callbacks.HookNodeEnd, cc, recover())
		}
	}()
	if start {
		f.ears.direct.OnNodeStart(cc, callbacks.NodeStart{Inputs: f.inputs(id)})
	}
	w.now.node(f, id, false)
	// Made before the code runs: what is copied right after it is written stalls
	// the processor.
	end := callbacks.NodeEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Attempts: 1, Outputs: f.outputs(id)}
	at = inCode
	err = o.call(cc, f, o)
	w.now.inCode = false
	if f.wants(callbacks.HookEmit | callbacks.HookMetric | callbacks.HookNodeEnd) {
		cc.End()
	}
	if err == nil && f.wants(callbacks.HookNodeEnd) {
		at = inEnd
		if w.run.times {
			end.Duration = cc.Elapsed()
		}
		f.ears.direct.OnNodeEnd(cc, end)
	}
	at = returned
	return err
}

// endNode ends a node whose code has returned.
func (w *worker) endNode(f *frame, id int32, cc *callbacks.CallbackContext, err error, attempts int, look *callbacks.CacheLookup) {
	f.ended(cc, callbacks.HookNodeEnd)
	looked(&f.totals[f.plan.ops[id].scope].missed, look)
	end := callbacks.End{Result: callbacks.ResultSuccess}
	var out callbacks.Values
	if err != nil {
		end = f.fail(cc, err, attempts)
		f.cut[f.plan.ops[id].scope].Store(true)
	} else {
		out = f.outputs(id)
	}
	w.tellNodeEnd(f, cc, end, attempts, out, look)
}

// ended says that the code of a scope has returned, if somebody may ask.
func (f *frame) ended(cc *callbacks.CallbackContext, end callbacks.Hook) {
	if f.wants(callbacks.HookEmit | callbacks.HookMetric | end) {
		cc.End()
	}
}

func (w *worker) tellNodeEnd(f *frame, cc *callbacks.CallbackContext, end callbacks.End, attempts int, out callbacks.Values, look *callbacks.CacheLookup) {
	if f.wants(callbacks.HookNodeEnd) {
		end.Duration = cc.Elapsed()
		f.ears.callback.OnNodeEnd(cc, callbacks.NodeEnd{End: end, Attempts: attempts, Outputs: out, Cache: look})
	}
}

// wire runs wiring. It is the engine's code, but for the function of a Field.
func (w *worker) wire(f *frame, id int32, o *op) {
	cc := f.scopes[o.scope]
	w.now.node(f, id, false)
	err := protect(func() error { return o.call(cc, f, o) })
	w.now.inCode = false
	if err != nil {
		w.endWire(f, o, err)
	}
}

// endWire fails the scope around wiring.
func (w *worker) endWire(f *frame, o *op, err error) {
	f.fail(f.scopes[o.scope], err, 1)
	f.cut[o.scope].Store(true)
}

// enter begins a pipeline.
func (w *worker) enter(f *frame, id int32, o *op) {
	cc := f.scopes[o.scope]
	var resumed *callbacks.Resumed
	var workers callbacks.Workers
	if cc == nil { // not the root
		parent := f.scopes[f.plan.scopes[o.scope].parent]
		cc = w.begin(f, o.top, parent, callbacks.KindPipeline, o.info, -1)
		f.scopes[o.scope] = cc
		around := f.ears
		if o.top {
			around = f.border
		}
		if around.hooks&callbacks.HookNestedPipelineStart != 0 {
			around.callback.OnNestedPipelineStart(parent, callbacks.NestedPipelineStart{Child: cc})
		}
	} else {
		resumed, workers = w.run.log.resumed(), w.run.crew
	}
	w.run.log.begun(f, cc, callbacks.HookPipelineEnd)
	if f.wants(callbacks.HookPipelineStart) {
		f.ears.callback.OnPipelineStart(cc, callbacks.PipelineStart{Inputs: f.inputs(id), Resumed: resumed, Workers: workers})
	}
}

// exit ends a pipeline, if it was begun.
func (w *worker) exit(f *frame, id int32, o *op) {
	cc := f.scopes[o.scope]
	dead := f.domain.odd.Load() && f.needsDead(o)
	cut := cc == nil && !dead || f.cut[o.scope].Load()
	if dead {
		f.kill(id)
	}
	if cut && (o.scope > 0) {
		f.cut[f.plan.scopes[o.scope].parent].Store(true)
	}
	if cc == nil {
		return
	}
	counts := f.total(o.scope)
	if outer := f.plan.scopes[o.scope].parent; outer >= 0 {
		f.totals[outer].add(counts)
	}
	end := f.scopeEnd(cc, cut)
	if dead && end.Result == callbacks.ResultSuccess {
		end.Result = callbacks.ResultSkip
	}
	around := f.ears
	if o.top {
		around = f.border
	}
	if (f.ears.hooks|around.hooks)&(callbacks.HookPipelineEnd|callbacks.HookNestedPipelineEnd) == 0 {
		return
	}
	end.Duration = cc.Elapsed()
	ev := callbacks.PipelineEnd{End: end, Counts: counts}
	if !cut && !dead {
		ev.Outputs = f.outputs(id)
	}
	if f.wants(callbacks.HookPipelineEnd) {
		f.ears.callback.OnPipelineEnd(cc, ev)
	}
	if parent := cc.Parent(); parent != nil && around.hooks&callbacks.HookNestedPipelineEnd != 0 {
		around.callback.OnNestedPipelineEnd(parent, callbacks.NestedPipelineEnd{End: end, Counts: counts, Child: cc})
	}
	w.run.log.done(f, cc, callbacks.HookPipelineEnd)
}

// yieldAfter is how long a worker runs nodes before it lets other goroutines run.
// Without it, they would wait for the runtime to preempt it, after 10 ms: too
// long for a listener that needs many turns, such as one that starts a process.
const yieldAfter = 500 * time.Microsecond

// begin makes the context of a scope. top says that parent is the scope around
// the frame.
func (w *worker) begin(f *frame, top bool, parent *callbacks.CallbackContext, k callbacks.Kind, n *callbacks.Node, index int) *callbacks.CallbackContext {
	cc := w.context()
	scope := callbacks.Scope{Kind: k, Node: n, Index: int32(index), Attempt: 1}
	if top {
		scope.Iteration = f.iteration
	}
	if !w.run.times {
		parent.Begin(cc, scope)
	} else {
		scope.Start = w.clock()
		parent.Begin(cc, scope)
		w.queued(cc, scope.Start)
	}
	if top && f.override != nil {
		cc.Override(*f.override)
	}
	return cc
}

// beginNode is begin for the operation of a node.
func (w *worker) beginNode(f *frame, o *op) *callbacks.CallbackContext {
	parent := f.scopes[o.scope]
	if o.top {
		return w.begin(f, true, parent, callbacks.KindNode, o.info, -1)
	}
	cc := w.context()
	if !w.run.times {
		parent.BeginNode(cc, o.info, 0)
		return cc
	}
	start := w.clock()
	parent.BeginNode(cc, o.info, start)
	w.queued(cc, start)
	return cc
}

// queued says how long a scope waited that begins at start.
func (w *worker) queued(cc *callbacks.CallbackContext, start time.Duration) {
	if w.ready != 0 {
		cc.Queue(w.ready.until(start))
		w.ready = 0
	}
}

// context returns an unused context.
func (w *worker) context() *callbacks.CallbackContext {
	if w.used == len(w.contexts) {
		w.contexts, w.used = make([]callbacks.CallbackContext, nextChunk(w.used)), 0
	}
	cc := &w.contexts[w.used]
	w.used++
	return cc
}

// lazyContext returns an unused lazy context.
func (w *worker) lazyContext() *callbacks.LazyContext {
	if w.lazyUsed == len(w.lazy) {
		w.lazy, w.lazyUsed = make([]callbacks.LazyContext, nextChunk(w.lazyUsed)), 0
	}
	l := &w.lazy[w.lazyUsed]
	w.lazyUsed++
	return l
}

// clock returns the time since the run's epoch, and lets other goroutines run
// from time to time.
func (w *worker) clock() time.Duration {
	now := time.Since(w.run.epoch)
	if now-w.yielded > yieldAfter {
		runtime.Gosched()
		now = time.Since(w.run.epoch)
		w.yielded = now
	}
	return now
}
