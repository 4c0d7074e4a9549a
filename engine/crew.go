package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// crew is what works on a run: the goroutine that called Run, and as many more
// as there is work for, up to the limit. A run that ends well leaves its crew as
// it was when it began, for another run.
type crew struct {
	limit      int32
	processors int32
	active     atomic.Int32   // workers with a goroutine
	searching  atomic.Int32   // of those, the ones that look for work
	filled     atomic.Int32   // queues that are not empty
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
}

// muster returns the crew of a root frame, ready for r, and the worker of the
// calling goroutine.
func (f *frame) muster(r *run, limit int) (*crew, *worker) {
	c := f.crew
	if c == nil {
		c = &crew{processors: int32(runtime.GOMAXPROCS(0))}
		f.crew = c
	}
	c.limit = int32(limit)
	w := c.worker(r)
	w.contexts, w.used = r.few[:], 0
	if n := f.plan.contexts - 1; n > fewContexts { // the root's is there
		w.contexts = make([]callbacks.CallbackContext, n)
	}
	c.active.Store(1)
	c.gone.Add(1)
	return c, w
}

// worker returns a worker without a goroutine. mu is held, or nobody else there.
func (c *crew) worker(r *run) *worker {
	w := c.idle
	if w == nil {
		w = &c.caller
		if w.queue.filled != nil {
			w = &worker{}
		}
		w.queue.filled, w.older = &c.filled, c.workers.Load()
		c.workers.Store(w)
	} else {
		c.idle = w.nextIdle
	}
	w.run = r
	return w
}

// disband makes the crew ready for another run. Nothing of this one may use it
// any more.
func (c *crew) disband() {
	c.timer, c.idle = nil, nil
	c.retrying.Store(false) // the timer may have been stopped
	for w := c.workers.Load(); w != nil; w = w.older {
		w.run, w.contexts, w.used, w.mapping, w.yielded = nil, nil, 0, nil, 0
		w.tally, w.now = tally{}, current{}
		w.nextIdle, c.idle = c.idle, w
	}
}
