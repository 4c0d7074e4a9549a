package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// contextChunk is how many contexts a worker allocates at once, at most: few
// allocations for many nodes, and little memory held by a context that is kept.
const contextChunk = 256

// nextChunk returns the size of a chunk of contexts after one of the given size.
func nextChunk(last int) int { return min(max(2*last, 8), contextChunk) }

// fewNodes is for how many nodes the run itself has lazy contexts, so that a small
// one needs one allocation.
const fewNodes = 10

// worker runs ready operations on one goroutine.
//
// A worker that makes several operations ready runs the first itself and leaves
// the others in its queue, for itself or for others to steal. Whoever leaves work
// sees to it that at least one worker searches, and starts one if none does; who
// finds work while there is more does the same. So nodes that block never hold up
// others, and nodes that do not block cost no needless goroutine.
type worker struct {
	run      *run
	older    *worker // of the run; never changes
	nextIdle *worker // of those without a goroutine, or of those that are parked
	queue    queue
	contexts []callbacks.CallbackContext
	used     int // of contexts
	lazy     []callbacks.LazyContext
	lazyUsed int // of lazy

	mapping *mapping // over a pipeline: the one whose item ran last
	tally   tally    // of the map over nodes that it works on
	woken   time.Time
	yielded time.Duration // since the run's epoch
	ready   moment        // when the operation could begin, until its scope does; as that of a task
	now     current
	call    chan bool // to one that is parked: whether there is work
}

// current is what a worker runs, should that end the goroutine.
type current struct {
	inCode bool // of the user
	quiet  bool // a node or item with a lazy context
	after  resumer

	mapping *mapping // without after: an item,
	index   int

	frame *frame // or else a node or wiring
	id    int32
}

// node says that the code of a node, or wiring, is run. A node has the context
// that the worker began last, which may be a lazy one. What has not changed is not
// written again: that would cost as much as the rest while the garbage collector
// runs.
func (n *current) node(f *frame, id int32, quiet bool) {
	if n.mapping != nil {
		n.mapping = nil
	}
	if n.frame != f {
		n.frame = f
	}
	n.id, n.quiet, n.inCode = id, quiet, true
}

// item says that the code of a map's item is run, in the same way.
func (n *current) item(m *mapping, i int, quiet bool) {
	if n.mapping != m {
		n.mapping = m
	}
	n.index, n.quiet, n.inCode = i, quiet, true
}

// resumer goes on after code that did not return.
type resumer interface {
	resume(w *worker, err error) task
}

// code runs code of the user. If it ends the goroutine, after goes on.
func (w *worker) code(ctx *callbacks.CallbackContext, after resumer, code func(context.Context) error) error {
	w.now.after, w.now.inCode = after, true
	err := protect(func() error { return code(ctx) })
	w.now.after, w.now.inCode = nil, false
	return err
}

// work runs t and all that follows, until there is nothing left to do.
func (w *worker) work(t task) {
	returned := false
	defer w.leave(&returned)
	w.loop(t)
	returned = true
}

// searchOn is the goroutine of a worker, which counts as searching already.
func (w *worker) searchOn() {
	if w.run.heard {
		growStack(false)
	}
	for more := true; more; {
		more = w.shift() && w.called()
	}
}

// shift searches, and works until there is nothing left to do. It says whether the
// worker is parked then.
func (w *worker) shift() (parked bool) {
	returned := false
	defer func() { parked = w.leave(&returned) }()
	if !w.woken.IsZero() && time.Since(w.woken) > saturated {
		w.run.searching.Add(-1)
		w.run.retry()
	} else if t, ok := w.search(); ok {
		w.loop(t)
	}
	returned = true
	return
}

// hookStack is more than a new stack has.
const hookStack = 3 << 10

// growStack gives a new goroutine the stack that hooks need, while there is little on
// it: to grow it in a hook takes the time of ten hooks, as all that called the hook is
// moved. To call it is enough; with fill it also writes to what it has room for.
//
//go:noinline
func growStack(fill bool) {
	if fill {
		var room [hookStack]byte
		keepRoom(&room)
	}
}

//go:noinline // as the room is not kept otherwise
func keepRoom(*[hookStack]byte) {}

// loop runs t, then what is ready, then what it finds.
func (w *worker) loop(t task) {
	for {
		for t.frame != nil {
			t = w.step(t)
		}
		if t = w.queue.pop(); t.frame != nil {
			continue
		}
		if w.mapping != nil {
			if t = w.item(w.mapping); t.frame != nil {
				continue
			}
			w.mapping = nil
		}
		if w.run.finished.Load() {
			return
		}
		w.run.searching.Add(1)
		var found bool
		if t, found = w.search(); !found {
			return
		}
	}
}

// leave ends the worker's work, and says whether it is parked now. When its loop did not
// return, something has called runtime.Goexit: for the code of a node another goroutine
// goes on; a hook that does so takes the run with it.
func (w *worker) leave(returned *bool) (parked bool) {
	r := w.run
	switch {
	case w.now.inCode:
		w.now.inCode = false
		go w.goOn()
		return false
	case *returned && w == &r.caller: // it is not for others
	case *returned:
		parked = r.park(w)
	default:
		_ = r.abort() // Run returns it
	}
	r.dismiss()
	return parked
}

// goOn is the goroutine of a worker whose last one was ended.
func (w *worker) goOn() {
	if w.resume() && w.called() {
		w.searchOn()
	}
}

// resume finishes what a worker did when its goroutine was ended, and works on as shift
// does.
func (w *worker) resume() (parked bool) {
	returned := false
	defer func() { parked = w.leave(&returned) }()
	n := w.now
	w.now = current{}
	switch {
	case n.after != nil:
		w.loop(n.after.resume(w, errGoexit))
	case n.mapping != nil:
		w.endItem(n.mapping, n.index, w.begun(n.quiet), errGoexit, 1, nil)
		w.loop(w.items(n.mapping, n.mapping.again(w.run)))
	case n.frame.plan.ops[n.id].kind == opWire:
		w.endWire(n.frame, &n.frame.plan.ops[n.id], errGoexit)
		w.loop(w.next(n.frame, n.id))
	default:
		w.endNode(n.frame, n.id, w.begun(n.quiet), errGoexit, 1, nil)
		w.loop(w.next(n.frame, n.id))
	}
	returned = true
	return
}

// begun returns the context that the worker began last.
func (w *worker) begun(quiet bool) *callbacks.CallbackContext {
	if quiet {
		return w.lazy[w.lazyUsed-1].Context()
	}
	return &w.contexts[w.used-1]
}

// protect runs the code of a node; a panic becomes an error.
func protect(code func() error) (err error) {
	returned := false
	defer func() {
		if !returned { // of no use when the goroutine is being ended
			err = newPanicError(recover())
		}
	}()
	err = code()
	returned = true
	return err
}

// next tells all operations that wait for id that it is done. It returns one
// that became ready and puts the others into the queue.
func (w *worker) next(f *frame, id int32) (t task) {
	p := f.plan
	if id == p.last {
		return w.end(f)
	}
	if then := p.ops[id].then; then != 0 {
		return task{frame: f, id: then}
	}
	left, ready := false, moment(0)
	for _, g := range p.outs[p.outAt[id]:p.outAt[id+1]] {
		if p.need[g] != 1 && atomic.AddInt32(&f.counts[g], -1) != 0 {
			continue
		}
		m := p.members[p.memberAt[g]:p.memberAt[g+1]]
		if t.frame == nil {
			t = task{frame: f, id: m[0]}
			m = m[1:]
		}
		if len(m) > 0 {
			if !left && w.run.times {
				ready = momentOf(time.Since(w.run.epoch))
			}
			w.queue.push(f, m, ready)
			left = true
		}
	}
	if left {
		w.run.wake()
	}
	return t
}

// end ends a frame whose last operation is done.
func (w *worker) end(f *frame) task {
	if f.outer == nil {
		w.run.finish()
		return task{}
	}
	return w.endBody(f)
}
