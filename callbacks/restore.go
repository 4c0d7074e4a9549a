package callbacks

import (
	"encoding/binary"
	"math"
	"time"
)

// Restored is what is known of a scope in another process than the one that
// made it.
type Restored struct {
	Scope

	Queued       time.Duration // as in [CallbackContext.Queued]
	SpanID       SpanID
	ParentSpanID SpanID
	Path         string
	Depth        int
}

// Restore returns the context of a scope from what was said of it. It is for
// backends: run is the context that [NewRun] made for the run, parent is the
// scope's parent when that is known and nil otherwise. The scope inherits from
// its parent, or else from the run, what [CallbackContext.Override] does not give.
//
// Where the parent is not known, Parent returns a context that has nothing but
// the parent's span id.
func Restore(run, parent *CallbackContext, r Restored) *CallbackContext {
	env := run.env
	if parent != nil {
		env = parent.env
	}
	var together struct { // one allocation
		cc    CallbackContext
		state state
	}
	cc := &together.cc
	cc.env, cc.parent, cc.node = env, parent, r.Node
	cc.start, cc.index, cc.iteration, cc.attempt = r.Start, r.Index, r.Iteration, r.Attempt
	cc.depth = int16(min(max(r.Depth, 0), math.MaxInt16))
	cc.bits = uint32(r.Kind) | packDuration(max(r.Queued, 0))<<queuedAt
	together.state.path = r.Path
	cc.state.Store(&together.state)
	cc.span.Store(binary.BigEndian.Uint64(r.SpanID[:]))
	if parent == nil && r.ParentSpanID != run.env.identity().Parent {
		cc.parent = &CallbackContext{env: run.env, node: &Node{}, bits: uint32(KindPipeline), index: -1}
		cc.parent.span.Store(binary.BigEndian.Uint64(r.ParentSpanID[:]))
	}
	return cc
}
