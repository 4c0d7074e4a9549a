package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// ending is the context of a domain: it ends with the one around it, or when the
// engine ends it. Few nodes wait for the end of their context, so it becomes one
// that can be waited for only when somebody does.
type ending struct {
	around context.Context

	mu     sync.Mutex
	waited atomic.Pointer[waited]
	ended  atomic.Bool // by the engine, before somebody waited
	cause  error
}

// waited is a context that can be waited for.
type waited struct {
	context.Context //nolint:containedctx // it is one itself

	cancel context.CancelCauseFunc
}

var _ context.Context = (*ending)(nil)

// cancel ends the context, unless it has ended.
func (e *ending) cancel(cause error) {
	e.mu.Lock()
	w := e.waited.Load()
	switch {
	case w != nil || e.ended.Load():
	case e.around.Err() != nil:
		w = e.wait() // it has ended with the one around it, if that can be waited for
	default:
		e.cause = cause
		e.ended.Store(true)
	}
	e.mu.Unlock()
	if w != nil {
		w.cancel(cause)
	}
}

// wait returns the context that can be waited for. mu is held.
func (e *ending) wait() *waited {
	w := e.waited.Load()
	if w != nil {
		return w
	}
	around := e.around
	if e.ended.Load() {
		around = context.WithoutCancel(around) // which may have ended since
	}
	w = &waited{}
	w.Context, w.cancel = context.WithCancelCause(around)
	if e.ended.Load() {
		w.cancel(e.cause)
	}
	e.waited.Store(w)
	return w
}

func (e *ending) waitable() *waited {
	if w := e.waited.Load(); w != nil {
		return w
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.wait()
}

// Deadline implements context.Context.
func (e *ending) Deadline() (time.Time, bool) { return e.around.Deadline() }

// Done implements context.Context.
func (e *ending) Done() <-chan struct{} { return e.waitable().Done() }

// Err implements context.Context.
func (e *ending) Err() error {
	if w := e.waited.Load(); w != nil {
		return w.Err()
	}
	switch {
	case e.ended.Load():
		return context.Canceled
	case e.around.Err() == nil:
		return nil
	default:
		return e.waitable().Err()
	}
}

// Value implements context.Context. The key of context.Cause is not exported; a
// context that has ended answers it by the one that can be waited for.
func (e *ending) Value(key any) any {
	if w := e.waited.Load(); w != nil {
		return w.Value(key)
	}
	if e.ended.Load() {
		return e.waitable().Value(key)
	}
	return e.around.Value(key)
}
