package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
)

// run is one execution of a pipeline by the local runner. The contexts of its
// steps hold on to it, so that it is never used again.
type run struct {
	domain
	*crew

	base    base
	context callbacks.Root
	few     [fewNodes]callbacks.LazyContext // for the first nodes that nobody hears
	root    *callbacks.CallbackContext
	log     *journal // nil: the run is not kept
	times   bool     // a callback wants times
	heard   bool     // a callback hears something of it
	watched bool     // it may be cancelled from outside

	finished atomic.Bool
	sharing  atomic.Pointer[sharing]

	failMu sync.Mutex
	faults atomic.Pointer[faults] // nil: nothing has failed or stopped
}

// execute runs the frame of a root pipeline to its end.
func execute(ctx context.Context, f *frame, c *Config) error {
	r := &run{crew: f.hire()}
	r.ctx.around = ctx //nolint:fatcontext // it is the one around
	defer r.ctx.cancel(nil)

	root := callbacks.RunConfig{ID: c.RunID, Pipeline: f.plan.scopes[0].info, Runner: f.plan.runner.name}
	r.cache = c.Cache
	r.listen(ctx, f.plan, c.Callbacks, &root)
	f.run, f.domain, f.ears = r, &r.domain, r.ears[f.plan.ears]
	root.Values = f.ears.values
	if err := r.open(ctx, f, c, &root); err != nil {
		f.cut[0].Store(true)
		return err
	}
	r.decide(&root)
	r.base = base{&r.ctx, r, f.ears}
	r.root = r.context.Begin(&r.base, &root)
	f.scopes[0] = r.root
	r.log.crashes(ctx, c.Callbacks)
	w := f.muster(r, c.Concurrency)
	if ctx.Done() != nil {
		r.watched = true
		defer r.watch()()
	}
	return r.work(w, f)
}

// work runs the frame of the root pipeline, beginning with w.
func (r *run) work(w *worker, f *frame) (err error) {
	// Deferred, because a node may end this goroutine by runtime.Goexit.
	defer func() {
		r.gone.Wait()
		r.sendHome()
		err = r.outcome(f)
		r.landAll()
		r.log.close(err)
		if err == nil {
			f.disband()
		}
		r.crew = nil // a context that is kept holds no other run
	}()
	w.work(task{frame: f})
	return nil
}

// outcome returns what Run returns.
func (r *run) outcome(f *frame) error {
	var stopped error
	switch {
	case r.first != nil && r.first.result != callbacks.ResultSkip:
		return r.first
	case r.first != nil:
		stopped = r.first
	case !r.finished.Load():
		return r.abort()
	case f.dead[f.plan.last].Load():
		stopped = r.faults.Load().gated
	}
	switch tolerated := r.leniency(); {
	case tolerated == nil:
		return stopped
	case stopped == nil:
		return tolerated
	default:
		return errors.Join(stopped, tolerated)
	}
}

// abort halts a run that cannot come to its end.
func (r *run) abort() error {
	e := &Error{Path: r.root.Path(), Item: -1, Attempt: 1, Err: errHookGoexit, result: callbacks.ResultError}
	r.stop(&r.domain, r.root, e)
	return e
}

// watch halts the run when its context ends. The returned function ends the
// watch, and waits for what it started.
func (r *run) watch() (end func()) {
	halted := make(chan struct{})
	stop := context.AfterFunc(r.ctx.around, func() {
		<-r.ctx.Done() // who finds the run halted finds the cause
		r.halt()
		close(halted)
	})
	return func() {
		if !stop() {
			<-halted
		}
	}
}
