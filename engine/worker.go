package engine

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// contextChunk is how many contexts a worker allocates at once: few allocations
// for many nodes, and little memory held by a context that is kept.
const contextChunk = 256

// worker runs ready operations on one goroutine.
//
// A worker that makes several operations ready runs the first itself and leaves
// the others in its queue. There is at most one worker that searches for work,
// and whoever leaves work behind sees to it that there is one, so that nodes
// which block never hold up others, and nodes which do not block cost no
// needless goroutine.
type worker struct {
	run      *run
	queue    queue
	contexts []callbacks.CallbackContext // unused ones

	mapping *mapping // over a pipeline: the one whose item ran last
	now     current
}

// current is what a worker runs, should the code end the goroutine.
type current struct {
	exited bool
	frame  *frame // of a node
	id     int32
	cc     *callbacks.CallbackContext
	chunk  chunk // of a map
}

// work runs t and all that follows, until there is nothing left to do.
func (w *worker) work(t task) {
	defer w.leave()
	w.loop(t)
}

func (w *worker) loop(t task) {
	for {
		for t.frame != nil {
			t = w.step(t)
		}
		if t = w.queue.pop(); t.frame != nil {
			continue
		}
		if w.mapping != nil {
			if t = w.item(w.mapping); t.frame != nil {
				continue
			}
			w.mapping = nil
		}
		w.run.searching.Add(1)
		var found bool
		if t, found = w.search(); !found {
			return
		}
	}
}

// leave ends the worker, unless the code of a node ended its goroutine: then
// another one goes on in its place.
func (w *worker) leave() {
	r := w.run
	if w.now.exited {
		w.now.exited = false
		go w.resume()
		return
	}
	r.mu.Lock()
	r.idle = append(r.idle, w)
	r.mu.Unlock()
	r.active.Add(-1)
	r.gone.Done()
}

// resume finishes what a worker did when its goroutine was ended.
func (w *worker) resume() {
	defer w.leave()
	if w.now.chunk.mapping != nil {
		w.endItem(w.now.cc, errGoexit)
		w.loop(w.items())
		return
	}
	f, id := w.now.frame, w.now.id
	w.endNode(f, id, w.now.cc, errGoexit)
	w.loop(w.next(f, id))
}

// step runs one operation and returns the next, if there is one.
func (w *worker) step(t task) task {
	f, id := t.frame, t.id
	switch o := &f.plan.ops[id]; o.kind {
	case opNode:
		w.node(f, id, o)
	case opMap:
		return w.startMap(f, id, o)
	case opCollect:
		if !w.run.halted.Load() {
			_ = o.call(nil, f, o) // it cannot fail
		}
	case opEnter:
		w.enter(f, id, o)
	case opExit:
		w.exit(f, id, o)
		if o.scope == 0 {
			return w.end(f)
		}
	}
	return w.next(f, id)
}

// next tells all operations that wait for id that it is done. It returns one
// that became ready and puts the others into the queue.
func (w *worker) next(f *frame, id int32) (t task) {
	p := f.plan
	left := false
	for _, g := range p.outs[p.outAt[id]:p.outAt[id+1]] {
		if p.need[g] != 1 && atomic.AddInt32(&f.counts[g], -1) != 0 {
			continue
		}
		m := p.members[p.memberAt[g]:p.memberAt[g+1]]
		if t.frame == nil {
			t = task{f, m[0]}
			m = m[1:]
		}
		if len(m) > 0 {
			w.queue.push(f, m)
			left = true
		}
	}
	if left {
		w.run.wake()
	}
	return t
}

// end ends a frame whose last operation is done.
func (w *worker) end(f *frame) task {
	if f.item == nil {
		w.run.finished.Store(true)
		return task{}
	}
	return w.endFrame(f)
}

// node runs a node.
func (w *worker) node(f *frame, id int32, o *op) {
	r := w.run
	if r.halted.Load() {
		f.cut[o.scope].Store(true)
		return
	}
	cc := w.begin(f.scopes[o.scope], callbacks.KindNode, o.info, -1)
	if r.wants(callbacks.HookNodeStart) {
		r.callback.OnNodeStart(cc, callbacks.NodeStart{Inputs: f.inputs(id)})
	}
	w.now.frame, w.now.id, w.now.cc = f, id, cc
	err := w.call(cc, f, o)
	if err != nil || r.wants(callbacks.HookNodeEnd) {
		w.endNode(f, id, cc, err)
	}
}

func (w *worker) endNode(f *frame, id int32, cc *callbacks.CallbackContext, err error) {
	r := w.run
	end := callbacks.End{Result: callbacks.ResultSuccess}
	var out callbacks.Values
	if err != nil {
		end = r.fail(cc, err)
		f.cut[f.plan.ops[id].scope].Store(true)
	} else {
		out = f.outputs(id)
	}
	if r.wants(callbacks.HookNodeEnd) {
		end.Duration = cc.Elapsed()
		r.callback.OnNodeEnd(cc, callbacks.NodeEnd{End: end, Attempts: cc.Attempt(), Outputs: out})
	}
}

// call runs a node's function; a panic becomes an error.
func (w *worker) call(cc *callbacks.CallbackContext, f *frame, o *op) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = w.recovered(recover())
		}
	}()
	err = o.call(cc, f, o)
	returned = true
	return err
}

// recovered makes an error of what recover returned. Nil means that the
// goroutine is being ended.
func (w *worker) recovered(value any) error {
	if value == nil {
		w.now.exited = true
		return errGoexit
	}
	return newPanicError(value)
}

// enter begins a pipeline.
func (w *worker) enter(f *frame, id int32, o *op) {
	r := w.run
	cc := f.scopes[o.scope]
	if cc == nil { // not the root
		if r.halted.Load() {
			return
		}
		parent := f.outer
		if o.scope > 0 {
			parent = f.scopes[f.plan.scopes[o.scope].parent]
		}
		cc = w.begin(parent, callbacks.KindPipeline, o.info, -1)
		f.scopes[o.scope] = cc
		if r.wants(callbacks.HookNestedPipelineStart) {
			r.callback.OnNestedPipelineStart(parent, callbacks.NestedPipelineStart{Child: cc})
		}
	}
	if r.wants(callbacks.HookPipelineStart) {
		r.callback.OnPipelineStart(cc, callbacks.PipelineStart{Inputs: f.inputs(id)})
	}
}

// exit ends a pipeline, if it was begun.
func (w *worker) exit(f *frame, id int32, o *op) {
	r := w.run
	cc := f.scopes[o.scope]
	cut := cc == nil || f.cut[o.scope].Load()
	if cut && o.scope > 0 {
		f.cut[f.plan.scopes[o.scope].parent].Store(true)
	}
	if cc == nil {
		return
	}
	end := r.scopeEnd(cc, cut)
	if !r.wants(callbacks.HookPipelineEnd | callbacks.HookNestedPipelineEnd) {
		return
	}
	end.Duration = cc.Elapsed()
	ev := callbacks.PipelineEnd{End: end}
	if end.Err == nil {
		ev.Outputs = f.outputs(id)
	}
	if r.wants(callbacks.HookPipelineEnd) {
		r.callback.OnPipelineEnd(cc, ev)
	}
	if parent := cc.Parent(); parent != nil && r.wants(callbacks.HookNestedPipelineEnd) {
		r.callback.OnNestedPipelineEnd(parent, callbacks.NestedPipelineEnd{End: end, Child: cc})
	}
}

// begin makes the context of a scope.
func (w *worker) begin(parent *callbacks.CallbackContext, k callbacks.Kind, n *callbacks.Node, index int) *callbacks.CallbackContext {
	if len(w.contexts) == 0 {
		w.contexts = make([]callbacks.CallbackContext, contextChunk)
	}
	cc := &w.contexts[0]
	w.contexts = w.contexts[1:]
	var start time.Duration
	if r := w.run; r.wants(callbacks.Times) {
		start = time.Since(r.epoch)
	}
	parent.Begin(cc, callbacks.Scope{Kind: k, Node: n, Index: int32(index), Attempt: 1, Start: start})
	return cc
}

// searches is how often a worker looks for work before it gives up; the later
// looks let other goroutines run between them.
const searches = 64

// search looks for work that other workers left. The worker counts as searching
// already. False means that there is none, and that the next who leaves some
// will start a worker.
func (w *worker) search() (task, bool) {
	r := w.run
	for {
		for i := range searches {
			if r.finished.Load() {
				break
			}
			if t, ok := w.look(); ok {
				return t, true
			}
			if i > searches/2 {
				runtime.Gosched()
			}
		}
		r.searching.Add(-1)
		if !r.hasWork() {
			return task{}, false
		}
		r.searching.Add(1)
	}
}

// look takes work that other workers left, and ends the search when it finds
// some.
func (w *worker) look() (task, bool) {
	r := w.run
	for _, other := range r.workers[:r.count.Load()] {
		if t := other.queue.steal(&w.queue); t.frame != nil {
			r.found()
			return t, true
		}
	}
	if m := r.openMap(); m != nil {
		r.found()
		return w.help(m), true
	}
	return task{}, false
}

// found ends a search; if there is more work, another worker searches on.
func (r *run) found() {
	r.searching.Add(-1)
	if r.hasWork() {
		r.wake()
	}
}

// hasWork reports whether there is work that no worker has begun.
func (r *run) hasWork() bool {
	if r.openMaps.Load() > 0 {
		return true
	}
	for _, w := range r.workers[:r.count.Load()] {
		if w.queue.size.Load() > 0 {
			return true
		}
	}
	return false
}

// wake starts a worker, unless one is searching already or the limit is reached.
func (r *run) wake() {
	if r.searching.Load() != 0 || r.active.Load() >= r.limit || !r.searching.CompareAndSwap(0, 1) {
		return
	}
	if r.active.Add(1) > r.limit {
		r.active.Add(-1)
		r.searching.Add(-1)
		return
	}
	r.gone.Add(1)
	w := r.worker()
	go func() {
		defer w.leave()
		if t, ok := w.search(); ok {
			w.loop(t)
		}
	}()
}

// worker returns a worker without a goroutine.
func (r *run) worker() *worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		w := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return w
	}
	w := &worker{run: r}
	n := r.count.Load()
	r.workers[n] = w
	r.count.Store(n + 1)
	return w
}
