package engine

import (
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// frame is one execution of a plan. Frames are pooled by their plan.
type frame struct {
	plan    *plan
	run     *run
	domain  *domain
	ears    *ears
	columns []anyColumn
	counts  []int32                      // group -> predecessors still to come
	scopes  []*callbacks.CallbackContext // pipeline -> its context, once entered
	cut     []atomic.Bool                // pipeline -> something in it did not run, or was cancelled
	dead    []atomic.Bool                // operation -> a gate stopped it, or what it needs
	totals  []totals                     // pipeline -> what ended inside
	crew    *crew                        // of a root frame: who works on it

	// Of the execution of an inner plan:

	outer     *frame
	op        int32 // in outer
	mapping   *mapping
	index     int   // of the item
	iteration int32 // of a loop
	override  *callbacks.Override
	border    *ears // who hears that a nested pipeline begins or ends at the top
}

func newFrame(p *plan) *frame {
	f := &frame{
		plan:    p,
		columns: make([]anyColumn, len(p.columns)),
		counts:  make([]int32, len(p.need)),
		scopes:  make([]*callbacks.CallbackContext, len(p.scopes)),
		cut:     make([]atomic.Bool, len(p.scopes)),
		dead:    make([]atomic.Bool, len(p.ops)),
		totals:  make([]totals, len(p.scopes)),
	}
	for i, c := range p.columns {
		f.columns[i] = c.kind.make(int(c.rows))
	}
	return f
}

// frame returns a frame that is ready to run.
func (p *plan) frame() *frame {
	f := p.frames.Get().(*frame) //nolint:forcetypeassert // the pool holds frames
	copy(f.counts, p.need)
	return f
}

// enterBody returns a frame for a body of the operation id of f. cc is the scope
// around it. tolerant says that a failure inside stays inside.
func (f *frame) enterBody(id int32, body *plan, cc *callbacks.CallbackContext, tolerant bool) *frame {
	sub := body.frame()
	sub.run, sub.domain, sub.ears, sub.border = f.run, f.domain, f.ears, f.ears
	sub.outer, sub.op, sub.scopes[0] = f, id, cc
	otherEars, otherRunner := body.ears != f.plan.ears, body.runner != f.plan.runner
	if !tolerant && !body.gated && !otherEars && !otherRunner {
		return sub
	}
	o := &callbacks.Override{}
	if tolerant || body.gated {
		sub.domain = f.domain.inner(tolerant)
		sub.domain.border = cc
		if cc.Kind() == callbacks.KindMapItem {
			sub.domain.border = cc.Parent()
		}
	}
	if otherEars {
		sub.ears = f.run.ears[body.ears]
		sub.border = sub.ears.border
		o.Values = sub.ears.values
	}
	if otherRunner {
		o.Runner = body.runner.name
	}
	o.Base = &base{&sub.domain.ctx, f.run, sub.ears}
	sub.override = o
	return sub
}

// leftBody is how the frame of a body ended.
type leftBody uint8

const (
	bodyDone    leftBody = iota // it has a result, whatever it tolerated
	bodyStopped                 // a gate stopped it
	bodyCut                     // it failed or was cancelled
)

// leaveBody ends a frame of an inner plan. If it is done, its result is still to
// be taken, and then it can be freed.
func (f *frame) leaveBody() leftBody {
	f.outer.totals[f.outer.plan.ops[f.op].scope].add(f.total(0))
	how := bodyDone
	stopped := false
	if f.domain != f.outer.domain {
		f.run.failMu.Lock()
		first := f.domain.first
		f.run.failMu.Unlock()
		stopped = first != nil && first.result == callbacks.ResultSkip
		f.domain.end()
	}
	switch {
	case f.dead[f.plan.last].Load() || stopped && !f.outer.domain.halted.Load():
		how = bodyStopped
	case f.cut[0].Load():
		how = bodyCut
	}
	return how
}

// finished reports whether the frame has a result.
func (f *frame) finished() bool { return !f.cut[0].Load() && !f.dead[f.plan.last].Load() }

// free gives the frame back. Only a frame in which everything ran may be freed:
// late readers of a failed one may hold its values.
func (f *frame) free() {
	for _, c := range f.columns {
		c.clear()
	}
	if f.domain.odd.Load() {
		for i := range f.dead {
			f.dead[i].Store(false)
		}
	}
	clear(f.scopes)
	for i := range f.totals {
		f.totals[i].clear()
	}
	f.run, f.domain, f.ears, f.outer, f.mapping, f.override, f.border = nil, nil, nil, nil, nil, nil, nil
	f.iteration = 0
	f.plan.frames.Put(f)
}

// over reports whether nothing new may start. A run that can be cancelled from
// outside is asked itself: what watches it may come late.
func (f *frame) over() bool {
	if f.run.watched && f.domain.ctx.Err() != nil {
		f.domain.haltEnded()
	}
	return f.domain.halted.Load()
}

// interrupted reports whether a suspended node of the frame must not go on: it
// may be the end of the context that has woken it.
func (f *frame) interrupted() bool {
	f.domain.haltEnded()
	return f.domain.halted.Load()
}

// kill says that an operation gives no value: a gate stopped it.
func (f *frame) kill(id int32) {
	f.dead[id].Store(true)
	f.domain.odd.Store(true)
}

// needsDead reports whether an input of o is missing.
func (f *frame) needsDead(o *op) bool {
	for _, id := range o.from {
		if f.dead[id].Load() {
			return true
		}
	}
	return false
}

// move copies a value to another frame.
func (f *frame) move(s slot, to *frame, d slot) {
	f.plan.columns[s.column].kind.move(to, d, f, s)
}

// frame is a callbacks.ValueSource. A scope of it is the index of an operation,
// times two, plus one for its outputs.
var _ callbacks.ValueSource = (*frame)(nil)

func (f *frame) inputs(id int32) callbacks.Values  { return callbacks.NewValues(f, id*2) }
func (f *frame) outputs(id int32) callbacks.Values { return callbacks.NewValues(f, id*2+1) }

// Len implements callbacks.ValueSource.
func (f *frame) Len(scope int32) int {
	o := &f.plan.ops[scope/2]
	if scope%2 == 1 || o.kind == opEnter || o.kind == opExit {
		return 1
	}
	return int(o.inputs)
}

// At implements callbacks.ValueSource.
func (f *frame) At(scope int32, i int) any {
	o := &f.plan.ops[scope/2]
	s := o.out
	switch {
	case o.kind == opEnter:
		s = f.plan.scopes[o.scope].in
	case o.kind == opExit:
		s = f.plan.scopes[o.scope].out
	case scope%2 == 0:
		s = o.in[i]
	}
	return f.columns[s.column].at(s.row)
}
