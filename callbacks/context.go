package callbacks

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// CallbackContext says where in a run something happens. It is the first argument
// of every hook, and a context.Context; node code finds it by [FromContext] in the
// context that it receives.
//
// Each scope (pipeline, node, map, map item) has one of its own, which points
// to its parent and is never reused; it may be kept. All methods may be called
// concurrently.
type CallbackContext struct {
	// 64 bytes in all, one cache line: there is one for every node and item that
	// somebody hears or asks for.

	env    *environment
	parent *CallbackContext
	node   *Node
	state  atomic.Pointer[state]
	span   atomic.Uint64 // 0 until asked for
	start  time.Duration // since the run's epoch; 0 when nobody wants times

	index     int32
	iteration int32
	depth     int16
	attempt   uint16
	bits      uint32 // the kind, whether the scope has ended, and how long it queued
}

const (
	// endedBit stands beside the kind.
	endedBit = 1 << 8
	// queuedAt is where the bits begin that say how long the scope queued.
	queuedAt = 9
)

// environment is what the contexts of a run share, or those of a part of it.
type environment struct {
	*run
	base   context.Context //nolint:containedctx // CallbackContext is itself a context
	values []ContextValue
	runner string
}

// run is what all contexts of a run share.
type run struct {
	epoch time.Time

	// These are given, or made when somebody asks for them.

	id    atomic.Pointer[string]
	place atomic.Pointer[Identity]
}

// identity returns what was given, or else a new root.
func (r *run) identity() *Identity {
	if id := r.place.Load(); id != nil {
		return id
	}
	id := NewIdentity()
	r.place.CompareAndSwap(nil, &id)
	return r.place.Load()
}

// name returns the id that was given, or else a random one.
func (r *run) name() string {
	if id := r.id.Load(); id != nil {
		return *id
	}
	var b TraceID
	random(&b)
	id := b.String()
	r.id.CompareAndSwap(nil, &id)
	return *r.id.Load()
}

// RunConfig is what an engine says of a run when it begins.
type RunConfig struct {
	// ID is the run's id. Defaults to 32 random hexadecimal digits.
	ID string
	// Identity is the run's place in a trace. Defaults to a new root.
	Identity Identity
	// SpanID is the id of the root pipeline's span. Defaults to a random one.
	SpanID SpanID
	// Pipeline describes the pipeline that runs. Required.
	Pipeline *Node
	// Runner is the name of what executes the run, such as "local".
	Runner string
	// Epoch is when the run began. Defaults to the zero time, which leaves
	// [CallbackContext.Start] zero.
	Epoch time.Time
	// Values answer [CallbackContext.Value] before the base context is asked.
	Values []ContextValue
}

// NewRun returns the context of a run's root pipeline. Deadline, Done, Err and
// unknown values come from base. It is for engines, runners and backends.
func NewRun(base context.Context, c RunConfig) *CallbackContext { return new(Root).Begin(base, &c) }

// Root is the memory of a run's root context, for an engine that makes it part
// of its own. It must not be copied.
type Root struct {
	run     run
	env     environment
	context CallbackContext
}

// Begin does what [NewRun] does, once.
func (r *Root) Begin(base context.Context, c *RunConfig) *CallbackContext {
	r.run.epoch = c.Epoch
	if c.ID != "" {
		id := c.ID
		r.run.id.Store(&id)
	}
	if c.Identity.TraceID != (TraceID{}) {
		place := c.Identity
		r.run.place.Store(&place)
	}
	r.env = environment{run: &r.run, base: base, values: c.Values, runner: c.Runner}
	cc := &r.context
	cc.env, cc.node, cc.bits, cc.index, cc.attempt = &r.env, c.Pipeline, uint32(KindPipeline), -1, 1
	cc.span.Store(binary.BigEndian.Uint64(c.SpanID[:]))
	return cc
}

// Scope is what an engine says of a scope when it begins.
type Scope struct {
	Kind Kind
	Node *Node
	// Index is the map item's index; -1 outside of items.
	Index int32
	// Iteration counts the rounds of a loop from 1; 0 outside of loops.
	Iteration int32
	// Attempt counts from 1.
	Attempt uint16
	// Start is the time since the run's epoch.
	Start time.Duration
}

// Override is what a scope has otherwise than its parent. Nil and empty fields
// are inherited.
type Override struct {
	// Base gives Deadline, Done, Err and unknown values.
	Base context.Context //nolint:containedctx // it becomes part of a context
	// Values answer [CallbackContext.Value] before Base is asked; an empty list
	// that is not nil means none.
	Values []ContextValue
	// Runner is the name of what executes the scope.
	Runner string
}

// Begin makes child, which must be unused, the context of a scope inside cc. It
// is for engines, which allocate contexts many at a time.
func (cc *CallbackContext) Begin(child *CallbackContext, s Scope) {
	child.env = cc.env
	child.parent = cc
	child.node = s.Node
	child.start = s.Start
	child.index = s.Index
	child.iteration = s.Iteration
	child.attempt = s.Attempt
	child.depth = cc.depth
	if s.Kind == KindPipeline {
		child.depth++
	}
	child.bits = uint32(s.Kind)
}

// BeginNode does what Begin does, for the scope that there is most of: a node, of
// which nothing else is said.
func (cc *CallbackContext) BeginNode(child *CallbackContext, n *Node, start time.Duration) {
	child.env = cc.env
	child.parent = cc
	child.node = n
	child.start = start
	child.index = -1
	child.attempt = 1
	child.depth = cc.depth
	child.bits = uint32(KindNode)
}

// Queue says how long before its start the scope, which has just begun, could have
// begun. It is for engines.
func (cc *CallbackContext) Queue(d time.Duration) { cc.bits |= packDuration(max(d, 0)) << queuedAt }

// Override replaces what cc, and the scopes that will begin inside it, have from
// its parent. It is for engines, right after [CallbackContext.Begin].
func (cc *CallbackContext) Override(o Override) {
	e := *cc.env
	if o.Base != nil {
		e.base = o.Base
	}
	if o.Values != nil {
		e.values = o.Values
	}
	if o.Runner != "" {
		e.runner = o.Runner
	}
	cc.env = &e
}

type contextKey struct{}

// FromContext returns the innermost CallbackContext that ctx is or was made
// from, or nil when ctx does not come from a run.
func FromContext(ctx context.Context) *CallbackContext {
	switch c := ctx.(type) {
	case *CallbackContext:
		return c
	case *LazyContext:
		return c.Context()
	}
	cc, _ := ctx.Value(contextKey{}).(*CallbackContext)
	return cc
}

// Deadline implements context.Context.
func (cc *CallbackContext) Deadline() (time.Time, bool) { return cc.env.base.Deadline() }

// Done implements context.Context.
func (cc *CallbackContext) Done() <-chan struct{} { return cc.env.base.Done() }

// Err implements context.Context.
func (cc *CallbackContext) Err() error { return cc.env.base.Err() }

// Value implements context.Context. It asks the run's [ContextValue] callbacks,
// then the context that the run was started with.
func (cc *CallbackContext) Value(key any) any {
	if key == (contextKey{}) {
		return cc
	}
	for _, v := range cc.env.values {
		if a := v.ContextValue(cc, key); a != nil {
			return a
		}
	}
	return cc.env.base.Value(key)
}

// Base returns the context that is asked for what no [ContextValue] callback
// answers: that in which the run was started, or what a part of the run has instead.
func (cc *CallbackContext) Base() context.Context { return cc.env.base }

// RunID returns the id of the run.
func (cc *CallbackContext) RunID() string { return cc.env.name() }

// Runner returns the name of what executes the run, such as "local".
func (cc *CallbackContext) Runner() string { return cc.env.runner }

// Identity returns the run's place in its trace: Parent is the span under which
// the whole run stands.
func (cc *CallbackContext) Identity() Identity { return *cc.env.identity() }

// TraceID returns the trace id of the run.
func (cc *CallbackContext) TraceID() TraceID { return cc.env.identity().TraceID }

// SpanID returns the id of the span of this scope. It is derived from the
// parent's, the node, the index, the iteration and the attempt: the same place
// of the same run has the same id under every runner. A first attempt has that of
// its node or item: while it runs, nobody knows whether another will follow.
func (cc *CallbackContext) SpanID() SpanID {
	var s SpanID
	binary.BigEndian.PutUint64(s[:], cc.spanID())
	return s
}

func (cc *CallbackContext) spanID() uint64 {
	if s := cc.span.Load(); s != 0 {
		return s
	}
	// Not recursive: pipelines may be nested without bound.
	pending := make([]*CallbackContext, 0, 8)
	top := cc
	for top.span.Load() == 0 {
		if top.parent == nil {
			top.span.CompareAndSwap(0, randomSpan())
			break
		}
		pending = append(pending, top)
		top = top.parent
	}
	s := top.span.Load()
	for i := len(pending) - 1; i >= 0; i-- { //nolint:modernize // an iterator would make pending escape
		c := pending[i]
		if c.Kind() != KindAttempt || c.attempt != 1 {
			s = childSpan(s, c.node, c.Kind(), c.index, c.iteration, c.attempt)
		}
		c.span.Store(s)
	}
	return s
}

// ParentSpanID returns the id of the span around this scope's; for the root
// pipeline it is the span that the run was started under, or zero.
func (cc *CallbackContext) ParentSpanID() SpanID {
	if cc.parent == nil {
		return cc.env.identity().Parent
	}
	return cc.parent.SpanID()
}

// Parent returns the context of the scope around this one; nil for the root.
func (cc *CallbackContext) Parent() *CallbackContext { return cc.parent }

// Root returns the context of the run's root pipeline.
func (cc *CallbackContext) Root() *CallbackContext {
	for cc.parent != nil {
		cc = cc.parent
	}
	return cc
}

// Pipeline returns the context of the innermost pipeline: cc itself when it is
// a pipeline's.
func (cc *CallbackContext) Pipeline() *CallbackContext {
	for cc.Kind() != KindPipeline {
		cc = cc.parent
	}
	return cc
}

// Kind says what this is the context of.
func (cc *CallbackContext) Kind() Kind { return Kind(atomic.LoadUint32(&cc.bits)) }

// Node describes the step that this is the context of.
func (cc *CallbackContext) Node() *Node { return cc.node }

// Name returns the name of the step.
func (cc *CallbackContext) Name() string { return cc.node.Name }

// SpanName returns the name of the scope's span, such as "node parse".
func (cc *CallbackContext) SpanName() string { return cc.Kind().String() + " " + cc.node.Name }

// Depth counts the pipelines around this scope: 0 in the root pipeline.
func (cc *CallbackContext) Depth() int { return int(cc.depth) }

// Index returns the index of a map item, or -1 when cc is not a map item's.
func (cc *CallbackContext) Index() int { return int(cc.index) }

// Iteration returns the round of a loop, from 1; 0 outside of loops.
func (cc *CallbackContext) Iteration() int { return int(cc.iteration) }

// Attempt returns the number of the attempt, from 1. The contexts of a node and
// its hooks have 1; the code of a later attempt has a context of kind
// [KindAttempt].
func (cc *CallbackContext) Attempt() int { return int(cc.attempt) }

// Start returns when the scope began; the zero time when no callback of the run
// wants [Times].
func (cc *CallbackContext) Start() time.Time {
	if cc.env.epoch.IsZero() {
		return time.Time{}
	}
	return cc.env.epoch.Add(cc.start)
}

// Queued returns how long the scope waited, before Start, for a worker to run it;
// 0 when no callback of the run wants [Times]. It is exact to five digits.
func (cc *CallbackContext) Queued() time.Duration {
	return unpackDuration(atomic.LoadUint32(&cc.bits) >> queuedAt)
}

// Elapsed returns the time since Start, on the monotonic clock; 0 when no
// callback of the run wants [Times].
func (cc *CallbackContext) Elapsed() time.Duration {
	if cc.env.epoch.IsZero() {
		return 0
	}
	return time.Since(cc.env.epoch) - cc.start
}

// Path returns the way from the root pipeline, such as
// "daily/features/embed[7]". A pipeline that is mapped has its item's path, an
// attempt that of its node, and the rounds of a loop are told apart as in
// "poll#3/fetch".
func (cc *CallbackContext) Path() string {
	var chainArray [16]*CallbackContext
	var array [128]byte
	chain, b := chainArray[:0], array[:0]
	for c := cc; c != nil; c = c.parent {
		if s := c.state.Load(); s != nil && s.path != "" {
			b = append(b, s.path...)
			break
		}
		chain = append(chain, c)
	}
	for _, c := range slices.Backward(chain) {
		switch {
		case c.Kind() == KindMapItem:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(c.index), 10)
			b = append(b, ']')
			continue
		case c.Kind() == KindAttempt:
			continue
		case c.iteration > 0:
			b = append(b, '#')
			b = strconv.AppendInt(b, int64(c.iteration), 10)
		}
		if c.sharesPath() {
			continue
		}
		if len(b) > 0 {
			b = append(b, '/')
		}
		b = append(b, c.node.Name...)
	}
	return string(b)
}

// sharesPath reports whether cc is the body of a map item or of a round of a
// loop as a whole, which has the path of that.
func (cc *CallbackContext) sharesPath() bool {
	switch {
	case cc.parent == nil:
		return false
	case cc.Kind() == KindPipeline:
		return cc.parent.Kind() == KindMapItem || cc.iteration > 0
	default:
		return cc.parent.Kind() == KindMapItem && cc.node.Name == cc.parent.node.Name
	}
}

// String returns the path.
func (cc *CallbackContext) String() string { return cc.Path() }
