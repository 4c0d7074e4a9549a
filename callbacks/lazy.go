package callbacks

import (
	"context"
	"sync/atomic"
	"time"
)

// LazyContext is the context of the code of a node or map item that no callback
// hears. Most such code asks nothing of where in the run it is: it becomes a
// [CallbackContext] when somebody asks for that, by [FromContext]. All methods may
// be called concurrently.
type LazyContext struct {
	parent *CallbackContext
	node   *Node
	full   atomic.Pointer[CallbackContext]
	index  int32 // of the item; -1: of a node
}

// BeginLazy does what [CallbackContext.Begin] does, for a node or, if index is not
// -1, a map item, of which nothing else is said and whose times nobody wants.
func (cc *CallbackContext) BeginLazy(child *LazyContext, n *Node, index int32) {
	child.parent, child.node, child.index = cc, n, index
}

// Context returns what [CallbackContext.Begin] would have made: always the same.
func (l *LazyContext) Context() *CallbackContext {
	if cc := l.full.Load(); cc != nil {
		return cc
	}
	kind := KindNode
	if l.index >= 0 {
		kind = KindMapItem
	}
	cc := &CallbackContext{}
	l.parent.Begin(cc, Scope{Kind: kind, Node: l.node, Index: l.index, Attempt: 1})
	l.full.CompareAndSwap(nil, cc)
	return l.full.Load()
}

// Deadline implements context.Context.
func (l *LazyContext) Deadline() (time.Time, bool) { return l.parent.Deadline() }

// Done implements context.Context.
func (l *LazyContext) Done() <-chan struct{} { return l.parent.Done() }

// Err implements context.Context.
func (l *LazyContext) Err() error { return l.parent.Err() }

// Value implements context.Context, as [CallbackContext.Value] does.
func (l *LazyContext) Value(key any) any {
	if key == (contextKey{}) || len(l.parent.env.values) > 0 {
		return l.Context().Value(key)
	}
	return l.parent.env.base.Value(key)
}

// String returns the path.
func (l *LazyContext) String() string { return l.Context().Path() }

var _ context.Context = (*LazyContext)(nil)
