package limit

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Run is the state of one run: what Get and Set work on.
type Run struct {
	plan    *Plan
	ctx     context.Context
	slots   []any
	pending []int32 // group -> predecessors that have not ended
	workers []deque // the caller's first
	helpers []chan *Run

	err      atomic.Pointer[error] // the first failure; set, it keeps nodes from running
	finished chan struct{}         // wakes the caller
	_        [64]byte
	ended    atomic.Int32 // nodes, added by each worker when it runs out of work
	_        [60]byte
	awake    atomic.Uint32 // bit i: worker i looks for work
	all      uint32        // awake when no worker sleeps
}

// Get reads a value that the calling node depends on, or any after the run.
func Get[T any](r *Run, v Value[T]) T {
	return r.slots[v.slot].(*slot[T]).value //nolint:forcetypeassert // newValue made it so
}

// Set writes an input before the run.
func Set[T any](r *Run, v Value[T], value T) {
	r.slots[v.slot].(*slot[T]).value = value //nolint:forcetypeassert // newValue made it so
}

// Do runs the plan on the calling goroutine and those that help it, and
// returns the first error. before sets the inputs, after reads results; both
// may keep nothing of the run.
func (p *Plan) Do(ctx context.Context, before, after func(*Run)) error {
	if len(p.nodes) == 0 {
		return nil
	}
	r := p.newRun()
	r.ctx = ctx
	copy(r.pending, p.need)
	r.ended.Store(0)
	r.wakeUp(0)
	before(r)
	if more := p.roots[1:]; len(more) > 0 {
		r.workers[0].push(more)
		r.callHelper()
	}
	all := int32(len(p.nodes))
	for node := p.roots[0]; !r.work(0, node) && r.ended.Load() != all; node = none {
		<-r.finished
		r.wakeUp(0)
	}
	select { // a wake-up that came after the end
	case <-r.finished:
	default:
	}
	after(r)
	var err error
	if first := r.err.Swap(nil); first != nil {
		err = *first
	}
	select {
	case p.idle <- r:
	default:
	}
	return err
}

func (p *Plan) newRun() *Run {
	select {
	case r := <-p.idle:
		return r
	default:
	}
	r := &Run{
		plan:     p,
		slots:    make([]any, len(p.slots)),
		pending:  make([]int32, len(p.need)),
		helpers:  helpers(),
		finished: make(chan struct{}, 1),
	}
	r.workers = make([]deque, len(r.helpers))
	r.all = 1<<len(r.helpers) - 1
	for i, newSlot := range p.slots {
		r.slots[i] = newSlot()
	}
	for i := range r.workers {
		r.workers[i].ring = newRing(len(p.nodes))
	}
	return r
}

// How often a worker looks for work before it sleeps, and from when on it lets
// others run in between.
const (
	spins      = 200
	busySpins  = 100
	maxWorkers = 32 // bits of Run.awake
)

// work runs ready nodes, beginning with the one given, until it finds none. It
// returns true if it ran the last node of all.
func (r *Run) work(worker int, node int32) bool {
	own, ended := &r.workers[worker], int32(0)
	for spin := 0; ; {
		for node != none {
			ended++
			spin = 0
			node = r.runNode(own, node)
		}
		if node = own.pop(); node != none {
			continue
		}
		if ended > 0 {
			if r.ended.Add(ended) == int32(len(r.plan.nodes)) {
				r.sleep(worker)
				if worker != 0 {
					r.wakeCaller()
				}
				return true
			}
			ended = 0
		}
		for i := 1; i < len(r.workers) && node == none; i++ {
			node = r.workers[(worker+i)%len(r.workers)].steal()
		}
		if node != none {
			continue
		}
		if spin++; spin > spins {
			r.sleep(worker)
			return false
		}
		if spin > busySpins {
			runtime.Gosched()
		}
	}
}

// runNode runs a node and returns a successor that is now ready, or none; the
// other ready ones are pushed.
func (r *Run) runNode(own *deque, node int32) (next int32) {
	p := r.plan
	if r.err.Load() == nil {
		if err := p.nodes[node](r.ctx, r); err != nil {
			r.fail(err)
		}
	}
	next = none
	for _, group := range p.feeds.at(node) {
		if p.need[group] != 1 && atomic.AddInt32(&r.pending[group], -1) != 0 {
			continue
		}
		ready := p.members.at(group)
		if next == none {
			next, ready = ready[0], ready[1:]
		}
		if len(ready) > 0 {
			own.push(ready)
			if r.awake.Load() != r.all {
				r.callHelper()
			}
		}
	}
	return next
}

// fail keeps the first error. It is apart from runNode so that an error
// variable escapes only when there is an error.
//
//go:noinline
func (r *Run) fail(err error) { r.err.CompareAndSwap(nil, &err) }

func (r *Run) wakeUp(worker int) { r.awake.Or(1 << worker) }
func (r *Run) sleep(worker int)  { r.awake.And(^uint32(1 << worker)) }

func (r *Run) wakeCaller() {
	select {
	case r.finished <- struct{}{}:
	default:
	}
}

// callHelper wakes one worker that sleeps, if any does.
func (r *Run) callHelper() {
	for i := range r.workers {
		bit := uint32(1) << i
		if awake := r.awake.Load(); awake&bit != 0 || !r.awake.CompareAndSwap(awake, awake|bit) {
			continue
		}
		if i == 0 {
			r.wakeCaller()
		} else {
			r.helpers[i] <- r
		}
		return
	}
}

// helpers are the goroutines that work for any run, one a processor without
// the caller's, started on first use and kept.
var helpers = sync.OnceValue(func() []chan *Run {
	all := make([]chan *Run, min(runtime.GOMAXPROCS(0), maxWorkers))
	for i := range all[1:] {
		worker := i + 1
		all[worker] = make(chan *Run, maxIdle)
		go func() {
			for r := range all[worker] {
				r.work(worker, none)
			}
		}()
	}
	return all
})
