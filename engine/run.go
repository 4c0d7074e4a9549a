package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// run is one execution of a pipeline by the local runner: the goroutine that
// called Run, and as many more as there is work for, up to the limit.
type run struct {
	domain
	config  Config
	root    *callbacks.CallbackContext
	base    base
	ears    []*ears
	ears1   [1]*ears // the memory of ears, usually
	times   bool     // a callback wants times
	watched bool     // it may be cancelled from outside
	epoch   time.Time
	log     *journal // nil: the run is not kept

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
	idle     *worker
	workers  atomic.Pointer[worker] // the newest one; the others follow it
	caller   worker                 // the oldest one

	mapMu    sync.Mutex
	maps     []*mapping // with unclaimed items
	openMaps atomic.Int32

	wakeMu  sync.Mutex
	awake   []func(*worker) task // suspended nodes that go on
	awakeAt atomic.Int32         // len(awake)

	aroundOnce sync.Once
	around     []*run   // in whose nodes the run was started
	leading    sync.Map // flights that nodes of the run have to land
	compared   sync.Map // keys of what a miss is compared with, that were stored

	faulty atomic.Bool           // failures has some
	gated  atomic.Pointer[Error] // the first stop of a gate

	failMu    sync.Mutex
	failures  map[*callbacks.CallbackContext]*Error // scope -> the first failure inside
	tolerated []*Error
	more      int // that tolerated has no room for
}

// execute runs the frame of a root pipeline to its end.
func execute(ctx context.Context, f *frame, c Config) error {
	r := &run{config: c, limit: int32(c.Concurrency), processors: int32(runtime.GOMAXPROCS(0))}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)

	root := callbacks.RunConfig{ID: c.RunID, Pipeline: f.plan.scopes[0].info, Runner: f.plan.runner.name}
	r.ears = r.ears1[:0]
	r.listen(ctx, f.plan, &root)
	f.run, f.domain, f.ears = r, &r.domain, r.ears[f.plan.ears]
	root.Values = f.ears.values
	if err := r.open(ctx, f, &root); err != nil {
		return err
	}
	r.base = base{r.ctx, r, f.ears}
	r.root = callbacks.NewRun(&r.base, root)
	f.scopes[0] = r.root

	if ctx.Done() != nil {
		r.watched = true
		defer r.watch()()
	}
	w := r.worker()
	w.contexts = make([]callbacks.CallbackContext, min(len(f.plan.ops), contextChunk))
	r.enlist()
	var err error
	func() {
		// Deferred, because a node may end this goroutine by runtime.Goexit.
		defer func() {
			r.gone.Wait()
			err = r.outcome(f)
			r.leading.Range(func(fl, _ any) bool { // of nodes that a hook has ended
				fl.(*flight).land(nil, false) //nolint:forcetypeassert // nothing else is stored
				return true
			})
			r.log.close(err)
		}()
		w.work(task{f, 0})
	}()
	return err
}

// outcome returns what Run returns.
func (r *run) outcome(f *frame) error {
	switch {
	case r.first != nil:
		return r.first
	case !r.finished.Load():
		return r.abort()
	case f.dead[f.plan.last].Load():
		return r.gated.Load()
	default:
		return r.leniency()
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
	if r.ctx.Err() != nil { // that of ctx may be seen before
		r.halt()
	}
	halted := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		r.halt()
		close(halted)
	})
	return func() {
		if !stop() {
			<-halted
		}
	}
}
