package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// run is one execution of a pipeline by the local runner: the goroutine that
// called Run, and as many more as there is work for, up to the limit.
type run struct {
	ctx    context.Context //nolint:containedctx // the base of all contexts of the run
	cancel context.CancelCauseFunc
	halted atomic.Bool // nothing new starts
	root   *callbacks.CallbackContext

	callback callbacks.PipelineCallback
	hooks    callbacks.Hook
	epoch    time.Time

	limit      int32
	processors int32
	active     atomic.Int32 // workers with a goroutine
	searching  atomic.Int32 // of those, the ones that look for work
	filled     atomic.Int32 // queues that are not empty
	finished   atomic.Bool
	gone       sync.WaitGroup // for all workers

	mu       sync.Mutex
	timer    *time.Timer // of the last retry
	retrying atomic.Bool
	idle     []*worker
	workers  []*worker    // never grows, so that it may be read without the lock
	count    atomic.Int32 // of workers

	mapMu    sync.Mutex
	maps     []*mapping // with unclaimed items
	openMaps atomic.Int32

	failMu   sync.Mutex
	first    *Error
	failures map[*callbacks.CallbackContext]*Error // scope -> the first failure inside
}

const runner = "local"

// execute runs the frame of a root pipeline to its end.
func execute(ctx context.Context, f *frame, c Config) error {
	r := &run{
		limit:      int32(c.Concurrency),
		workers:    make([]*worker, c.Concurrency),
		processors: int32(runtime.GOMAXPROCS(0)),
	}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)

	root := callbacks.RunConfig{ID: c.RunID, Pipeline: f.plan.scopes[0].info, Runner: runner}
	r.listen(ctx, c.Callbacks, &root)
	f.run = r
	r.root = callbacks.NewRun(r.ctx, root)
	f.scopes[0] = r.root

	if ctx.Done() != nil {
		defer r.watch(ctx)()
	}
	w := r.worker()
	w.contexts = make([]callbacks.CallbackContext, min(len(f.plan.ops), contextChunk))
	r.enlist()
	// Deferred, because a node may end this goroutine by runtime.Goexit.
	defer r.gone.Wait()
	w.work(task{f, 0})
	r.gone.Wait()
	switch {
	case r.first != nil:
		return r.first
	case !r.finished.Load():
		return r.abort()
	default:
		return nil
	}
}

// abort halts a run that cannot come to its end.
func (r *run) abort() error {
	e := &Error{Path: r.root.Path(), Item: -1, Attempt: 1, Err: errHookGoexit, result: callbacks.ResultError}
	r.mark(r.root, e)
	r.cancel(e)
	r.halted.Store(true)
	return e
}

// watch halts the run when its context ends. The returned function ends the
// watch, and waits for what it started.
func (r *run) watch(ctx context.Context) (end func()) {
	if ctx.Err() != nil {
		r.halted.Store(true)
	}
	halted := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		r.halted.Store(true)
		close(halted)
	})
	return func() {
		if !stop() {
			<-halted
		}
	}
}

// listen asks the callbacks what they want and know.
func (r *run) listen(ctx context.Context, list []callbacks.PipelineCallback, root *callbacks.RunConfig) {
	if len(list) == 0 {
		return
	}
	all := callbacks.Multi(list...)
	r.callback, r.hooks = all, callbacks.Interest(all)
	if r.hooks&callbacks.Times != 0 {
		r.epoch = time.Now()
		root.Epoch = r.epoch
	}
	if id, ok := all.(callbacks.RunIdentity); ok {
		root.Identity, _ = id.RunIdentity(ctx)
	}
	if v, ok := all.(callbacks.ContextValue); ok {
		root.Values = append(root.Values, v)
	}
}

// wants reports whether a callback hears h.
func (r *run) wants(h callbacks.Hook) bool { return r.hooks&h != 0 }

// fail says how a scope ended that returned err. A failure that began there
// stops the run and calls OnError.
func (r *run) fail(cc *callbacks.CallbackContext, err error) callbacks.End {
	err = sound(err)
	end := callbacks.End{Err: err, Result: r.result(err)}
	if end.Result == callbacks.ResultCancellation {
		return end
	}
	e := &Error{Path: cc.Path(), Item: itemOf(cc), Attempt: cc.Attempt(), Err: err, result: end.Result}
	if end.Origin = r.mark(cc, e); !end.Origin {
		return end
	}
	r.cancel(e)
	r.halted.Store(true) // after cancel: who sees it finds the cause
	if r.wants(callbacks.HookError) {
		r.callback.OnError(cc, callbacks.Failure{Err: err, Result: end.Result})
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
	return err
}

// result says what err, which a step returned, means.
func (r *run) result(err error) callbacks.Result {
	stopped := r.ctx.Err()
	_, panicked := err.(*PanicError) //nolint:errorlint // in the chain it may be that of another node
	switch {
	case panicked || err == errGoexit: //nolint:errorlint // as above
		return callbacks.ResultError
	case stopped == nil:
		return callbacks.ResultFailure
	case errors.Is(stopped, context.DeadlineExceeded) && errors.Is(err, stopped):
		return callbacks.ResultTimeout
	case errors.Is(err, stopped) || errors.Is(err, context.Cause(r.ctx)):
		return callbacks.ResultCancellation
	default:
		return callbacks.ResultFailure
	}
}

// mark keeps e as the failure of all scopes around cc that have none yet. It
// reports whether e is a failure of its own: a deadline that several nodes run
// into is one, that of the first.
func (r *run) mark(cc *callbacks.CallbackContext, e *Error) bool {
	r.failMu.Lock()
	defer r.failMu.Unlock()
	own := r.first == nil || e.result != callbacks.ResultTimeout
	if r.first == nil {
		r.first = e
		r.failures = map[*callbacks.CallbackContext]*Error{}
	}
	for ; cc != nil && r.failures[cc] == nil; cc = cc.Parent() {
		r.failures[cc] = e
	}
	return own
}

// scopeEnd says how a scope with other scopes inside it ended. cut says that
// something inside did not run to its end.
func (r *run) scopeEnd(cc *callbacks.CallbackContext, cut bool) callbacks.End {
	end := callbacks.End{Result: callbacks.ResultSuccess}
	if !r.halted.Load() && !cut {
		return end
	}
	r.failMu.Lock()
	e := r.failures[cc]
	r.failMu.Unlock()
	switch {
	case e != nil:
		end.Result, end.Err = e.result, e
	case cut && cc.Parent() == nil:
		end = r.fail(cc, r.stopCause())
		r.mark(cc, &Error{Path: cc.Path(), Item: -1, Attempt: 1, Err: end.Err, result: end.Result})
	case cut:
		end.Result, end.Err = callbacks.ResultCancellation, r.stopCause()
	}
	return end
}

// stopCause returns why the run was stopped from outside, or by a failure.
func (r *run) stopCause() error {
	err, cause := r.ctx.Err(), context.Cause(r.ctx)
	if cause == nil || errors.Is(cause, err) {
		return cause
	}
	if _, ok := errors.AsType[*Error](cause); ok {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
