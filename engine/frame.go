package engine

import (
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// frame is one execution of a plan: that of a whole run, or that of one item of
// a map over a pipeline. Frames are pooled by their plan.
type frame struct {
	plan    *plan
	run     *run
	columns []anyColumn
	counts  []int32                      // group -> predecessors still to come
	scopes  []*callbacks.CallbackContext // pipeline -> its context, once entered
	cut     []atomic.Bool                // pipeline -> something in it did not run, or was cancelled

	item  *mapping // of a mapped pipeline: the map,
	index int      // and the item
	outer *callbacks.CallbackContext
}

func newFrame(p *plan) *frame {
	f := &frame{
		plan:    p,
		columns: make([]anyColumn, len(p.columns)),
		counts:  make([]int32, len(p.need)),
		scopes:  make([]*callbacks.CallbackContext, len(p.scopes)),
		cut:     make([]atomic.Bool, len(p.scopes)),
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

// free gives the frame back. Only a frame that ended without a failure may be
// freed: late readers of a failed one may hold its values.
func (f *frame) free() {
	for _, c := range f.columns {
		c.clear()
	}
	clear(f.scopes)
	f.run, f.item, f.outer = nil, nil, nil
	f.plan.frames.Put(f)
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
