package callbacks

import (
	"context"
	"fmt"
	"sync"
)

// AsyncCallback passes calls of hooks on, from a goroutine of its own. It is made
// by [Async].
type AsyncCallback struct {
	inner *listener
	bound int

	mu      sync.Mutex
	queue   asyncQueue
	dropped int
	closed  bool
	calling *asyncCall    // what the callback hears now
	done    chan struct{} // closed when nothing is left; nil while nothing is
}

// asyncCall is a call of a hook, later.
type asyncCall struct {
	hook  Hook
	cc    *CallbackContext
	event any
}

var (
	_ PipelineCallback = (*AsyncCallback)(nil)
	_ RunIdentity      = (*AsyncCallback)(nil)
	_ ContextValue     = (*AsyncCallback)(nil)
	_ Pinned           = (*AsyncCallback)(nil)
)

// asyncBound is the bound that Async takes when it is given none.
const asyncBound = 1024

// Async returns a callback that no run waits for: it queues the calls of its
// hooks, and one goroutine calls those of cb in the same order, one at a time. It
// is for callbacks that may take long, or that may never return.
//
// At most bound events wait; 0 means 1024. An event that finds no room is dropped
// and counted, so that cb may hear an End without its Start, or the reverse.
//
// Cb hears of things after they have happened, maybe when Run has returned: give
// it the rest with [AsyncCallback.Close]. Events come without their Values, which
// are valid only while the run waits: Len is 0. All else in them may be kept.
// A hook that panics is recovered and logged, as by [Multi].
//
// If cb is a [RunIdentity], a [ContextValue] or [Pinned], so is the result: these
// need an answer, and cb is asked at once, while the run waits.
//
// One AsyncCallback may serve several runs. It has a goroutine only while there
// are events to pass on.
func Async(cb PipelineCallback, bound int) *AsyncCallback {
	if cb == nil {
		cb = Funcs{}
	}
	if bound < 1 {
		bound = asyncBound
	}
	a := &AsyncCallback{inner: &listener{callback: cb}, bound: bound}
	a.inner.ask("Hooks", func() { a.inner.hooks = Interest(cb) })
	return a
}

// Close lets cb hear what is queued until ctx ends; what is left then is dropped.
// Events that come later are dropped too. It returns how many have been dropped
// in all, and an error if cb did not come to an end in time; the hook that it is
// in then keeps its goroutine until it returns.
//
// Close may be called again, but not by a hook of cb.
func (a *AsyncCallback) Close(ctx context.Context) (dropped int, err error) {
	a.mu.Lock()
	a.closed = true
	done := a.done
	a.mu.Unlock()
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			err = a.giveUp(ctx)
		}
	}
	return a.Dropped(), err
}

// giveUp drops what is queued, and says what it is that takes so long.
func (a *AsyncCallback) giveUp(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	left := a.queue.size
	a.dropped += left
	a.queue = asyncQueue{}
	switch {
	case a.calling != nil:
		return fmt.Errorf("callback %T: %s of %s has not returned, and %d events are dropped: %w",
			a.inner.callback, a.calling.hook, a.calling.cc.Path(), left, context.Cause(ctx))
	case left > 0:
		return fmt.Errorf("callback %T: %d events are dropped: %w", a.inner.callback, left, context.Cause(ctx))
	default:
		return nil
	}
}

// Dropped returns how many events have been dropped so far.
func (a *AsyncCallback) Dropped() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dropped
}

// add queues a call, if there is room.
func (a *AsyncCallback) add(h Hook, cc *CallbackContext, event any) {
	if a.inner.hooks&h == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.queue.size >= a.bound {
		a.dropped++
		return
	}
	a.queue.push(asyncCall{h, cc, event}, a.bound)
	if a.done == nil {
		a.done = make(chan struct{})
		go a.deliver()
	}
}

// deliver makes calls until none is left.
func (a *AsyncCallback) deliver() {
	returned := false
	defer func() {
		if !returned { // the hook has ended the goroutine
			go a.deliver()
		}
	}()
	for c := a.next(); c != nil; c = a.next() {
		c.make(a.inner)
	}
	returned = true
}

// next returns the next call; nil when there is none, and nothing to wait for.
func (a *AsyncCallback) next() *asyncCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queue.size == 0 {
		a.calling = nil
		close(a.done)
		a.done = nil
		return nil
	}
	c := a.queue.pop()
	a.calling = &c
	return a.calling
}

func (c *asyncCall) make(l *listener) {
	switch ev := c.event.(type) {
	case PipelineStart:
		l.OnPipelineStart(c.cc, ev)
	case PipelineEnd:
		l.OnPipelineEnd(c.cc, ev)
	case NodeStart:
		l.OnNodeStart(c.cc, ev)
	case NodeEnd:
		l.OnNodeEnd(c.cc, ev)
	case NodeCached:
		l.OnNodeCached(c.cc, ev)
	case NestedPipelineStart:
		l.OnNestedPipelineStart(c.cc, ev)
	case NestedPipelineEnd:
		l.OnNestedPipelineEnd(c.cc, ev)
	case MapStart:
		l.OnMapStart(c.cc, ev)
	case MapEnd:
		l.OnMapEnd(c.cc, ev)
	case MapItemStart:
		l.OnMapItemStart(c.cc, ev)
	case MapItemEnd:
		l.OnMapItemEnd(c.cc, ev)
	case MapItemCached:
		l.OnMapItemCached(c.cc, ev)
	case Failure:
		l.OnError(c.cc, ev)
	case NodeRetry:
		l.OnNodeRetry(c.cc, ev)
	case NodeSkipped:
		l.OnNodeSkipped(c.cc, ev)
	case Emit:
		l.OnEmit(c.cc, ev)
	case Crashed:
		l.OnCrashed(c.cc, ev)
	case Metric:
		l.OnMetric(c.cc, ev)
	}
}

// asyncQueue is a ring that grows up to a bound.
type asyncQueue struct {
	ring       []asyncCall
	head, size int
}

func (q *asyncQueue) push(c asyncCall, bound int) {
	if q.size == len(q.ring) {
		ring := make([]asyncCall, min(max(16, 2*q.size), bound))
		n := copy(ring, q.ring[q.head:])
		copy(ring[n:], q.ring[:q.head])
		q.ring, q.head = ring, 0
	}
	q.ring[(q.head+q.size)%len(q.ring)] = c
	q.size++
}

func (q *asyncQueue) pop() asyncCall {
	c := q.ring[q.head]
	q.ring[q.head] = asyncCall{} // which holds the contexts of a run
	q.head = (q.head + 1) % len(q.ring)
	q.size--
	return c
}
