package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// task is an operation that is ready to run.
type task struct {
	frame *frame
	id    int32
	ready moment // 0: it runs at once, or nobody wants times
}

// moment is a time of a run in four bytes, for which a task has room: since the
// run's epoch in units of 16 µs, modulo 19 hours. It is never 0.
type moment uint32

const momentUnit = 14 // bits of nanoseconds

func momentOf(sinceEpoch time.Duration) moment { return max(moment(sinceEpoch>>momentUnit), 1) }

// until returns the time from m to another moment.
func (m moment) until(sinceEpoch time.Duration) time.Duration {
	return time.Duration(momentOf(sinceEpoch)-m) << momentUnit
}

// queue holds the ready operations of one worker. The worker takes the newest,
// so that it finishes what it began; others steal the older half.
type queue struct {
	filled *atomic.Int32 // counts the queues of the run that are not empty
	size   atomic.Int32  // len(tasks), to look at without the lock

	mu    sync.Mutex
	tasks []task
}

// resized is called, with the lock, after the length has changed.
func (q *queue) resized() {
	n := int32(len(q.tasks))
	switch before := q.size.Swap(n); {
	case before == 0 && n > 0:
		q.filled.Add(1)
	case before > 0 && n == 0:
		q.filled.Add(-1)
	}
}

func (q *queue) push(f *frame, ids []int32, ready moment) {
	q.mu.Lock()
	for _, id := range ids {
		q.tasks = append(q.tasks, task{f, id, ready})
	}
	q.resized()
	q.mu.Unlock()
}

func (q *queue) pop() (t task) {
	if q.size.Load() == 0 {
		return t
	}
	q.mu.Lock()
	if n := len(q.tasks); n > 0 {
		t = q.tasks[n-1]
		q.tasks[n-1] = task{}
		q.tasks = q.tasks[:n-1]
		q.resized()
	}
	q.mu.Unlock()
	return t
}

// steal takes the older half from q, returns one task of it and leaves the rest
// in to, which must be the caller's own and empty.
func (q *queue) steal(to *queue) (t task) {
	if q.size.Load() == 0 || !q.mu.TryLock() {
		return t
	}
	n := (len(q.tasks) + 1) / 2
	if n == 0 {
		q.mu.Unlock()
		return t
	}
	t = q.tasks[0]
	to.mu.Lock()
	to.tasks = append(to.tasks, q.tasks[1:n]...)
	to.resized()
	to.mu.Unlock()
	rest := copy(q.tasks, q.tasks[n:])
	clear(q.tasks[rest:])
	q.tasks = q.tasks[:rest]
	q.resized()
	q.mu.Unlock()
	return t
}
