package engine

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
)

// body begins a body of o, with the inputs of o.
func (w *worker) body(f *frame, id int32, o *op, body *plan, cc *callbacks.CallbackContext) task {
	sub := f.enterBody(id, body, cc, false)
	for i, s := range body.ins {
		f.move(o.in[i], sub, s)
	}
	return task{frame: sub}
}

// endBody goes on after the last operation of a body.
func (w *worker) endBody(sub *frame) task {
	f, id := sub.outer, sub.op
	o := &f.plan.ops[id]
	cc := sub.scopes[0]
	if o.kind == opMap {
		return w.endMapBody(sub)
	}
	how := sub.leaveBody()
	if how == bodyDone && o.kind == opLoop {
		return w.round(sub, cc)
	}
	switch how {
	case bodyDone:
		sub.move(sub.plan.out, f, o.out)
		sub.free()
	case bodyStopped:
		f.kill(id)
	case bodyCut:
		f.cut[o.scope].Store(true)
	}
	if o.kind != opCall {
		w.endAround(f, id, cc, how)
	}
	return w.next(f, id)
}

// endAround ends a branch or a loop whose body has ended.
func (w *worker) endAround(f *frame, id int32, cc *callbacks.CallbackContext, how leftBody) {
	f.ended(cc, callbacks.HookNodeEnd)
	end := f.scopeEnd(cc, how == bodyCut)
	var out callbacks.Values
	switch {
	case how == bodyDone:
		out = f.outputs(id)
	case how == bodyStopped && end.Result == callbacks.ResultSuccess:
		end.Result = callbacks.ResultSkip
	}
	w.tellNodeEnd(f, cc, end, 1, out, nil)
	w.run.log.done(f, cc, callbacks.HookNodeEnd)
}

// beginAround begins a branch or a loop.
func (w *worker) beginAround(f *frame, id int32, o *op) *callbacks.CallbackContext {
	cc := w.begin(f, o.top, f.scopes[o.scope], callbacks.KindNode, o.info, -1)
	w.run.log.begun(f, cc, callbacks.HookNodeEnd)
	if f.wants(callbacks.HookNodeStart) {
		f.ears.callback.OnNodeStart(cc, callbacks.NodeStart{Inputs: f.inputs(id)})
	}
	return cc
}

// choice is a branch that chooses.
type choice struct {
	frame *frame
	id    int32
	cc    *callbacks.CallbackContext
}

// branch begins a branch.
func (w *worker) branch(f *frame, id int32, o *op) task {
	c := &choice{f, id, w.beginAround(f, id, o)}
	var in encoded
	if w.run.log != nil {
		s := o.in[0]
		in = encode(f.columns[s.column].at(s.row), o.step.ins[0])
	}
	index, known := w.run.log.decision(c.cc, in, o.step.branch)
	if known {
		return c.chosen(w, index)
	}
	err := w.code(c.cc, c, func(ctx context.Context) error {
		var err error
		index, err = o.step.branch.choose(ctx, f, o)
		return err
	})
	if err != nil {
		return c.resume(w, err)
	}
	w.run.log.decide(c.cc, in, o.step.branch, index)
	return c.chosen(w, index)
}

// resume implements resumer: the choice failed.
func (c *choice) resume(w *worker, err error) task {
	w.endNode(c.frame, c.id, c.cc, err, 1, nil)
	w.run.log.done(c.frame, c.cc, callbacks.HookNodeEnd)
	return w.next(c.frame, c.id)
}

func (c *choice) chosen(w *worker, index int) task {
	f := c.frame
	o := &f.plan.ops[c.id]
	steps := o.step.branch.steps
	if f.wants(callbacks.HookNodeSkipped) {
		reason := fmt.Sprintf("the branch chose %q", steps[index].info.Name)
		for i, s := range steps {
			if i != index {
				w.skip(f, &op{info: s.info, rare: &rare{step: s}}, c.cc, reason)
			}
		}
	}
	return w.body(f, c.id, o, o.bodies[index], c.cc)
}

// loopStart begins a loop.
func (w *worker) loopStart(f *frame, id int32, o *op) task {
	t := w.body(f, id, o, o.bodies[0], w.beginAround(f, id, o))
	t.frame.iteration = 1
	return t
}

// rounds is a loop between two rounds.
type rounds struct {
	sub *frame
	cc  *callbacks.CallbackContext
}

// round ends a round of a loop, and begins another if the loop is not done.
func (w *worker) round(sub *frame, cc *callbacks.CallbackContext) task {
	f, id := sub.outer, sub.op
	o := &f.plan.ops[id]
	l := o.step.loop
	end := &rounds{sub, cc}
	done := false
	err := w.code(cc, end, func(ctx context.Context) error {
		var err error
		done, err = l.until(ctx, sub)
		return err
	})
	switch {
	case err != nil:
		return end.resume(w, err)
	case done:
		sub.move(sub.plan.out, f, o.out)
		sub.free()
		w.endAround(f, id, cc, bodyDone)
		return w.next(f, id)
	case int(sub.iteration) >= l.bound:
		return end.resume(w, &boundError{l.bound})
	case f.over():
		f.cut[o.scope].Store(true)
		w.endAround(f, id, cc, bodyCut)
		return w.next(f, id)
	}
	next := f.enterBody(id, o.bodies[0], cc, false)
	next.iteration = sub.iteration + 1
	sub.move(sub.plan.out, next, next.plan.ins[0])
	sub.free()
	return task{frame: next}
}

// resume implements resumer: the condition failed.
func (r *rounds) resume(w *worker, err error) task {
	f, id := r.sub.outer, r.sub.op
	w.endNode(f, id, r.cc, err, 1, nil)
	w.run.log.done(f, r.cc, callbacks.HookNodeEnd)
	return w.next(f, id)
}

// boundError is that of a loop that was not done in time.
type boundError struct{ bound int }

func (e *boundError) Error() string {
	return fmt.Sprintf("not done after %d rounds, the bound of the loop; raise it, or mend the condition", e.bound)
}

// ErrorType returns "loop_bound".
func (e *boundError) ErrorType() string { return "loop_bound" }
