package engine

import "time"

// Workers beyond the number of processors are there for nodes that block. When
// nodes compute, more of them at once would only keep the other goroutines of
// the program waiting for their turn. The engine cannot see what nodes do, but
// it sees how long a goroutine waits for a processor: next to nothing when nodes
// block, up to 10 ms, after which the runtime preempts one, when they compute.
const (
	// saturated is a wait that says that all processors are busy.
	saturated = time.Millisecond
	// retryAfter is the time between two looks at whether they still are.
	retryAfter = 2 * time.Millisecond
)

// retry starts a worker as soon as a processor is free. It is called by a worker
// that had to wait for one, and leaves work behind.
func (r *run) retry() {
	if r.finished.Load() || !r.retrying.CompareAndSwap(false, true) {
		return
	}
	r.gone.Add(1)
	due := time.Now().Add(retryAfter)
	r.crew.mu.Lock()
	defer r.crew.mu.Unlock()
	r.timer = time.AfterFunc(retryAfter, func() {
		defer r.gone.Done()
		r.retrying.Store(false)
		switch {
		case !r.hasWork():
		case time.Since(due) > saturated:
			r.retry()
		default:
			r.wake()
		}
	})
	if r.finished.Load() { // just now
		r.stopRetry()
	}
}

// finish ends the run's work: its last operation is done.
func (r *run) finish() {
	r.finished.Store(true)
	if r.retrying.Load() {
		r.crew.mu.Lock()
		defer r.crew.mu.Unlock()
		r.stopRetry()
	}
}

// stopRetry ends a retry that waits. mu of the crew is held.
func (r *run) stopRetry() {
	if r.timer != nil && r.timer.Stop() {
		r.gone.Done()
	}
}
