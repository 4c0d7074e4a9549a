package engine

import (
	"runtime"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

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
	w.now = current{inCode: true, cc: cc, frame: f, id: id}
	err := protect(func() error { return o.call(cc, f, o) })
	w.now.inCode = false
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

// yieldAfter is how long a worker runs nodes before it lets other goroutines run.
// Without it, they would wait for the runtime to preempt it, after 10 ms: too
// long for a listener that needs many turns, such as one that starts a process.
const yieldAfter = 500 * time.Microsecond

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
		if start-w.yielded > yieldAfter {
			runtime.Gosched()
			w.yielded = time.Since(r.epoch)
			start = w.yielded
		}
	}
	parent.Begin(cc, callbacks.Scope{Kind: k, Node: n, Index: int32(index), Attempt: 1, Start: start})
	return cc
}
