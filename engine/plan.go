package engine

import (
	"context"
	"sync"

	"github.com/spanloom/spanloom/callbacks"
)

// A plan is a pipeline made flat: one array of operations, in an order in which
// each comes after those it needs. Nested pipelines are part of the plan of the
// pipeline around them, between an enter and an exit operation.
//
// What may run several times, or stop on its own, or is heard by others, has a
// plan of its own, which a frame runs: the body of a map, a branch or a loop, a
// pipeline with a gate, and a step with its own callbacks or runner. Such a
// plan's scope 0 is the one around it.
//
// Operations with the same predecessors form a group, which has one counter of
// predecessors still to come; edges run from operations to groups. Both edge
// lists are in compressed sparse row form: outs[outAt[i]:outAt[i+1]].
type plan struct {
	ops    []op
	scopes []scope
	last   int32 // the operation that ends a frame

	contexts int // that a run of it surely needs,
	lazy     int // besides those of nodes that can do with a lazy one if nobody hears them

	outAt, outs       []int32 // operation -> groups that wait for it
	memberAt, members []int32 // group -> operations
	need              []int32 // group -> number of predecessors

	columns []columnPlan
	ins     []slot
	out     slot

	inner  bool  // scope 0 is the one around
	gated  bool  // it can be stopped on its own
	ears   int32 // who hears it: an index of the run's ears
	runner Runner

	def     *definition // of a root plan
	hearing []hearing   // of a root plan: ears 1, 2, …
	frames  sync.Pool
}

// hearing says how ears come of others.
type hearing struct {
	of   int32
	said listening
}

// columnPlan is a column of a plan: its type, and how many values it holds.
type columnPlan struct {
	kind columnKind
	rows int32
}

// scope is a pipeline in a plan: the plan's own (0), or one nested in it.
type scope struct {
	info   *callbacks.Node
	parent int32
	in     slot
	out    slot
	nodes  int // operations that are nodes, themselves
}

type opKind uint8

const (
	opNode opKind = iota
	opEnter
	opExit
	opMap
	opWire
	opCall
	opBranch
	opLoop
)

// op is one operation of a plan.
type op struct {
	kind   opKind
	inputs int8
	top    bool  // it is in the scope around an inner plan
	lazy   bool  // a node for which a lazy context is enough if nobody hears it
	scope  int32 // the pipeline it belongs to; for enter and exit, the one it enters or leaves
	then   int32 // the only operation that waits for it, and for it only; 0: there is not exactly one
	in     [4]slot
	out    slot
	info   *callbacks.Node
	call   call // of a node or wiring
	guard  *guard

	*rare
}

// rare is what most operations do not need when they run: apart, so that many
// operations fit into the processor's caches.
type rare struct {
	many []slot  // of wiring: its inputs
	from []int32 // the operations that give the inputs
	step *step   // nil for wiring

	bind     bind // of a map
	limit    int  // of a map: items in flight; 0: the run's
	tolerant bool // of a map
	bodies   []*plan
}

// call runs a node's function on the values in the frame's slots.
type call func(ctx context.Context, f *frame, o *op) error
