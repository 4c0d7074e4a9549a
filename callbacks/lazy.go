package callbacks

import (
	"context"
	"sync/atomic"
	"time"
)

// LazyContext is the context of the code of a node that no callback hears. Most
// such code asks nothing of where in the run it is: it becomes a
// [CallbackContext] when somebody asks for that, by [FromContext]. All methods may
// be called concurrently.
type LazyContext struct {
	parent *CallbackContext
	node   *Node
	full   atomic.Pointer[CallbackContext]
}

// BeginLazy does what [CallbackContext.Begin] does, for a node that does not begin
// as part of something else, and whose times nobody wants.
func (cc *CallbackContext) BeginLazy(child *LazyContext, n *Node) {
	child.parent, child.node = cc, n
}

// Context returns what [CallbackContext.Begin] would have made: always the same.
func (l *LazyContext) Context() *CallbackContext {
	if cc := l.full.Load(); cc != nil {
		return cc
	}
	cc := &CallbackContext{}
	l.parent.Begin(cc, Scope{Kind: KindNode, Node: l.node, Index: -1, Attempt: 1})
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
