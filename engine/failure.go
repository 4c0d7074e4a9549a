package engine

import (
	"context"
	"errors"

	"github.com/spanloom/spanloom/callbacks"
)

// fail says how a scope ended whose code returned err. A failure that began
// there stops its domain and calls OnError.
func (f *frame) fail(cc *callbacks.CallbackContext, err error, attempts int) callbacks.End {
	d := f.domain.holder()
	e, end := f.failure(cc, err, attempts)
	if e == nil {
		return end
	}
	if end.Origin = f.run.stop(d, cc, e); end.Origin {
		f.tellError(cc, end)
	}
	return end
}

// failTolerated is fail for an item of a map that continues on error.
func (f *frame) failTolerated(cc *callbacks.CallbackContext, err error, attempts int) (*Error, callbacks.End) {
	e, end := f.failure(cc, err, attempts)
	if e != nil {
		end.Origin = true
		f.tellError(cc, end)
	}
	return e, end
}

// failure says what err, which the code of a scope returned, means; no Error
// means that it is no failure.
func (f *frame) failure(cc *callbacks.CallbackContext, err error, attempts int) (*Error, callbacks.End) {
	if gate, ok := err.(*stopError); ok { //nolint:errorlint // the engine's own, never wrapped
		f.stopped(cc, gate)
		return nil, callbacks.End{Result: callbacks.ResultSkip}
	}
	err = sound(err)
	end := callbacks.End{Err: err, Result: f.resultOf(err)}
	if end.Result == callbacks.ResultCancellation {
		f.domain.haltEnded()
		return nil, end
	}
	return &Error{Path: cc.Path(), Item: itemOf(cc), Attempt: attempts, Err: err, result: end.Result}, end
}

// resultOf says what err, which a step returned, means.
func (f *frame) resultOf(err error) callbacks.Result {
	if _, ok := err.(*timeoutError); ok { //nolint:errorlint // in the chain it may be that of another node
		return callbacks.ResultTimeout
	}
	if _, ok := err.(*stopError); ok { //nolint:errorlint // the engine's own, never wrapped
		return callbacks.ResultSkip
	}
	return f.domain.result(err)
}

func (f *frame) tellError(cc *callbacks.CallbackContext, end callbacks.End) {
	if f.wants(callbacks.HookError) {
		f.ears.callback.OnError(cc, callbacks.Failure{Err: end.Err, Result: end.Result})
	}
}

// stopped does what a gate decided.
func (f *frame) stopped(cc *callbacks.CallbackContext, gate *stopError) {
	d := f.domain
	if gate.run {
		d = &f.run.domain
	}
	e := &Error{Path: cc.Path(), Item: itemOf(cc), Attempt: 1, Err: ErrStopped, result: callbacks.ResultSkip}
	f.run.stop(d, cc, e)
}

// faults is what went wrong in a run, and what gates have stopped.
type faults struct {
	by        map[*callbacks.CallbackContext]*Error // scope -> the first failure inside
	gated     *Error                                // the first stop of a gate
	tolerated []*Error
	more      int // that tolerated has no room for
}

// faulty returns what went wrong so far. failMu is held.
func (r *run) faulty() *faults {
	if r.faults.Load() == nil {
		r.faults.Store(&faults{by: map[*callbacks.CallbackContext]*Error{}})
	}
	return r.faults.Load()
}

// stop halts d because of e, which began in the scope cc. It reports whether e
// is a failure of its own: a deadline of the run that several nodes run into is
// one, that of the first.
func (r *run) stop(d *domain, cc *callbacks.CallbackContext, e *Error) bool {
	r.failMu.Lock()
	_, ofNode := e.Err.(*timeoutError) //nolint:errorlint // in the chain it may be that of another node
	own := d.first == nil || e.result != callbacks.ResultTimeout || ofNode
	if d.first == nil || e.outranks(d.first) {
		d.first = e
	}
	r.mark(cc, d.border, e)
	if all := r.faulty(); e.result == callbacks.ResultSkip && all.gated == nil {
		all.gated = e
	}
	r.failMu.Unlock()
	if own {
		d.ctx.cancel(&halted{e})
	}
	d.halt() // after cancel: who sees it finds the cause
	return own
}

// stoppedAt reports whether a gate stopped the scope cc.
func (r *run) stoppedAt(cc *callbacks.CallbackContext) bool {
	r.failMu.Lock()
	defer r.failMu.Unlock()
	all := r.faults.Load()
	return all != nil && all.by[cc] != nil && all.by[cc].result == callbacks.ResultSkip
}

// mark keeps e as the failure of all scopes from cc up to border that have none
// yet, or one that e outranks. failMu is held.
func (r *run) mark(cc, border *callbacks.CallbackContext, e *Error) {
	by := r.faulty().by
	for ; cc != border; cc = cc.Parent() {
		// One that stays may be contained further in than e is: go on.
		if old := by[cc]; old == nil || e.outranks(old) {
			by[cc] = e
		}
	}
}

// outranks reports whether e replaces what came before it: a failure counts more
// than one that was tolerated, and both more than a gate's stop.
func (e *Error) outranks(old *Error) bool { return e.rank() > old.rank() }

func (e *Error) rank() int {
	switch {
	case e.result == callbacks.ResultSkip:
		return 0
	case e.tolerated:
		return 1
	default:
		return 2
	}
}

// tolerate keeps a failure inside the domain d that stops nothing. What another
// map holds becomes part of the failure of that.
func (r *run) tolerate(cc *callbacks.CallbackContext, d *domain, e *Error) {
	e.tolerated = true
	r.failMu.Lock()
	defer r.failMu.Unlock()
	r.mark(cc, d.border, e)
	if d != &r.domain {
		return
	}
	if all := r.faulty(); len(all.tolerated) < maxItemErrors {
		all.tolerated = append(all.tolerated, e)
	} else {
		all.more++
	}
}

// leniency returns the failures that stopped nothing.
func (r *run) leniency() error {
	all := r.faults.Load()
	switch {
	case all == nil || len(all.tolerated) == 0:
		return nil
	case len(all.tolerated) == 1:
		return all.tolerated[0]
	}
	list := make([]error, 0, len(all.tolerated)+1)
	for _, e := range all.tolerated {
		list = append(list, e)
	}
	if all.more > 0 {
		list = append(list, moreError(all.more))
	}
	return errors.Join(list...)
}

// scopeEnd says how a scope with other scopes inside it ended. cut says that
// something inside did not run to its end.
func (f *frame) scopeEnd(cc *callbacks.CallbackContext, cut bool) callbacks.End {
	r := f.run
	end := callbacks.End{Result: callbacks.ResultSuccess}
	if !cut && r.faults.Load() == nil {
		return end
	}
	r.failMu.Lock()
	e := r.faulty().by[cc]
	if cut && cc.Parent() == nil && e != nil && e.tolerated && r.first == nil {
		e = nil // that is not why the run ends
	}
	r.failMu.Unlock()
	switch {
	case e != nil && e.result == callbacks.ResultSkip:
		end.Result = callbacks.ResultSkip
	case e != nil:
		end.Result, end.Err = e.result, e
	case cut && cc.Parent() == nil:
		end = f.fail(cc, f.domain.cause(), 1)
		r.failMu.Lock()
		r.mark(cc, nil, &Error{Path: cc.Path(), Item: -1, Attempt: 1, Err: end.Err, result: end.Result})
		if r.first == nil {
			r.first = r.faulty().by[cc]
		}
		r.failMu.Unlock()
	case cut:
		end.Result, end.Err = callbacks.ResultCancellation, f.domain.cause()
	}
	return end
}

// sound returns err, or what its methods panic with, as that of a nil pointer in
// an error.
func sound(err error) (usable error) {
	defer func() {
		if v := recover(); v != nil {
			usable = newPanicError(v)
		}
	}()
	_ = err.Error()
	_ = errors.Is(err, context.Canceled)
	_ = errors.Is(err, context.DeadlineExceeded)
	return err
}
