package engine

import (
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// totals counts what ends inside a pipeline of a frame. How many nodes a pipeline
// has is known before the run: what is counted is only what the plan does not
// say, so that a node that just runs costs nothing.
type totals struct {
	passed atomic.Int64 // nodes of the plan that did not run
	nodes  atomic.Int64 // map items, and nodes of bodies and nested pipelines
	cached atomic.Int64
	missed atomic.Int64
}

// add adds what ended elsewhere inside.
func (t *totals) add(c callbacks.Counts) {
	for _, one := range [...]struct {
		to *atomic.Int64
		n  int
	}{{&t.nodes, c.Nodes}, {&t.cached, c.Cached}, {&t.missed, c.Missed}} {
		if one.n != 0 {
			one.to.Add(int64(one.n))
		}
	}
}

func (t *totals) clear() {
	t.passed.Store(0)
	t.nodes.Store(0)
	t.cached.Store(0)
	t.missed.Store(0)
}

// looked counts a look-up that found nothing.
func looked(to *atomic.Int64, l *callbacks.CacheLookup) {
	if l != nil && !l.Bypass {
		to.Add(1)
	}
}

// total returns what ended inside a pipeline in which nothing runs any more.
func (f *frame) total(scope int32) callbacks.Counts {
	t := &f.totals[scope]
	return callbacks.Counts{
		Nodes:  f.plan.scopes[scope].nodes - int(t.passed.Load()) + int(t.nodes.Load()),
		Cached: int(t.cached.Load()), Missed: int(t.missed.Load()),
	}
}

// isNode reports whether an operation is a node with hooks of its own.
func (o *op) isNode() bool { return o.kind == opNode || o.kind == opBranch || o.kind == opLoop }

// pass counts an operation that does not run.
func (f *frame) pass(o *op) {
	if o.isNode() {
		f.totals[o.scope].passed.Add(1)
	}
}
