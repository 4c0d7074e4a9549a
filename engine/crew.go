package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
)

// crew is what works on a run: the goroutine that called Run, and as many more
// as there is work for, up to the limit, with what they need while it runs. A run
// that ends well leaves its crew as it was when it began, for another run.
type crew struct {
	cache cache.Store
	ears  []*ears
	epoch time.Time // if a callback wants times

	limit      int32
	processors atomic.Int32   // when the last worker was woken
	active     atomic.Int32   // workers with a goroutine
	searching  atomic.Int32   // of those, the ones that look for work
	filled     atomic.Int32   // queues that are not empty
	gone       sync.WaitGroup // for all workers

	mu       sync.Mutex
	timer    *time.Timer // of the last retry
	retrying atomic.Bool
	idle     *worker
	parked   *worker
	waiting  int                    // how many are parked
	home     sync.WaitGroup         // for their goroutines
	made     int                    // workers, but for the caller
	workers  atomic.Pointer[worker] // the newest one; the others follow it
	caller   worker                 // the oldest one, of the goroutine that called Run

	mapMu    sync.Mutex
	maps     []*mapping // with unclaimed items
	openMaps atomic.Int32

	wakeMu  sync.Mutex
	awake   []func(*worker) task // suspended nodes that go on
	awakeAt atomic.Int32         // len(awake)
}

// hire returns the crew of a root frame.
func (f *frame) hire() *crew {
	if f.crew == nil {
		c := &crew{}
		c.processors.Store(int32(runtime.GOMAXPROCS(0)))
		c.caller.queue.filled = &c.filled
		c.workers.Store(&c.caller)
		f.crew = c
	}
	return f.crew
}

// muster makes the crew of a root frame ready for r and returns the worker of the
// calling goroutine.
func (f *frame) muster(r *run, limit int) *worker {
	c, p := r.crew, f.plan
	c.limit = int32(limit)
	w := &c.caller
	w.run, w.contexts, w.used, w.lazy, w.lazyUsed = r, nil, 0, r.few[:], 0
	contexts := p.contexts - 1 // the root's is there
	if f.quiet() {
		if p.lazy > fewNodes {
			w.lazy = make([]callbacks.LazyContext, min(p.lazy, contextChunk))
		}
	} else {
		contexts += p.lazy
	}
	if contexts > 0 {
		w.contexts = make([]callbacks.CallbackContext, min(contexts, contextChunk))
	}
	c.active.Store(1)
	c.gone.Add(1)
	return w
}

// worker returns one that is parked, or one without a goroutine.
func (c *crew) worker(r *run) (w *worker, parked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.parked; w != nil {
		c.parked = w.nextIdle
		c.waiting--
		return w, true
	}
	switch {
	case c.idle != nil:
		w = c.idle
		c.idle = w.nextIdle
	default:
		w = &worker{older: c.workers.Load()}
		w.queue.filled = &c.filled
		c.workers.Store(w)
		c.made++
	}
	w.run = r
	return w, false
}

// keptWorkers is how many workers a crew may have that is used again: a large
// one would cost the small runs after it.
const keptWorkers = defaultConcurrency

// disband makes the crew ready for another run. Nothing of this one may use it
// any more.
func (f *frame) disband() {
	c := f.crew
	if c.made > keptWorkers {
		f.crew = nil
		return
	}
	c.timer = nil
	c.retrying.Store(false) // the timer may have been stopped
	clear(c.ears)
	c.cache, c.ears, c.epoch = nil, c.ears[:0], time.Time{}
	c.caller.forget()
	// Those that the run has used are on top of the others.
	for w := c.idle; w != nil && w.run != nil; w = w.nextIdle {
		w.forget()
	}
}

func (w *worker) forget() {
	w.run, w.contexts, w.used, w.lazy, w.lazyUsed, w.mapping, w.yielded = nil, nil, 0, nil, 0, nil, 0
	w.tally, w.now = tally{}, current{}
}
