package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// domain is a part of a run that can be stopped on its own: the whole run, an
// item of a map that continues on error, or a pipeline with a gate.
type domain struct {
	ctx      ending // the base of the contexts inside
	around   *domain
	contains bool                       // a failure inside stays inside
	border   *callbacks.CallbackContext // the innermost scope outside

	odd    atomic.Bool // halted, or something in it is dead
	halted atomic.Bool // nothing new starts

	first *Error // the first failure, or stop, under run.failMu

	mu     sync.Mutex
	inside map[*domain]struct{}
}

// inner returns a domain inside d.
func (d *domain) inner(contains bool) *domain {
	in := &domain{around: d, contains: contains, ctx: ending{around: d.ctx.waitable()}}
	d.mu.Lock()
	if d.inside == nil {
		d.inside = map[*domain]struct{}{}
	}
	d.inside[in] = struct{}{}
	d.mu.Unlock()
	if d.halted.Load() {
		in.halt()
	}
	return in
}

// end ends a domain in which nothing runs any more.
func (d *domain) end() {
	d.around.mu.Lock()
	delete(d.around.inside, d)
	d.around.mu.Unlock()
	d.ctx.cancel(nil)
}

// halt stops d and all domains inside from starting anything.
func (d *domain) halt() {
	d.halted.Store(true)
	d.odd.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	for in := range d.inside {
		in.halt()
	}
}

// haltEnded halts d, and the domains around it, if their contexts have ended.
// Who ends a context halts the domain just after; a node that has seen the one
// must not let its successors start before the other.
func (d *domain) haltEnded() {
	var last *domain
	for ; d != nil && d.ctx.Err() != nil; d = d.around {
		last = d
	}
	if last != nil && !last.halted.Load() {
		last.halt()
	}
}

// holder returns the domain that a failure in d stops.
func (d *domain) holder() *domain {
	for d.around != nil && (!d.contains || d.around.ctx.Err() != nil) {
		d = d.around
	}
	return d
}

// result says what err, which a step returned, means.
func (d *domain) result(err error) callbacks.Result {
	ctx := d.ended()
	stopped := ctx.Err()
	_, panicked := err.(*PanicError) //nolint:errorlint // in the chain it may be that of another node
	switch {
	case panicked || err == errGoexit: //nolint:errorlint // as above
		return callbacks.ResultError
	case stopped == nil:
		return callbacks.ResultFailure
	case is(stopped, context.DeadlineExceeded) && is(err, stopped):
		return callbacks.ResultTimeout
	case is(err, stopped) || is(err, context.Cause(ctx)):
		return callbacks.ResultCancellation
	default:
		return callbacks.ResultFailure
	}
}

// ended returns the context of d, or the nearest around it that has ended, if
// there is one. Contexts end one after another, from the outside: a domain may
// be halted just before its own ends.
func (d *domain) ended() context.Context {
	for at := d; at != nil; at = at.around {
		if at.ctx.Err() != nil {
			return &at.ctx
		}
	}
	return &d.ctx
}

// cause returns why d was stopped from outside, by a failure or by a gate.
func (d *domain) cause() error {
	ctx := d.ended()
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil {
		return nil
	}
	cause = sound(cause)
	if is(cause, err) {
		return cause
	}
	if _, ok := cause.(*halted); ok { //nolint:errorlint // the engine's own, never wrapped
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// halted is the cause of the end of a context that the engine has ended.
type halted struct{ error }

// Unwrap returns the failure, or a gate's stop.
func (h *halted) Unwrap() error { return h.error }

// is does what errors.Is does, for errors whose methods may panic.
func is(err, target error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return errors.Is(err, target)
}
