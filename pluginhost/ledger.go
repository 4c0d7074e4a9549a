package pluginhost

import (
	"context"
	"sync"
	"time"
)

// maxUnacked is the most batches that wait for their acknowledgement.
const maxUnacked = 64

// Reason says why an event was not delivered.
type Reason string

// The reasons.
const (
	// QueueFull: the queue had no room when the event came.
	QueueFull Reason = "queue_full"
	// ExportFailed: the backend answered that it could not export the event.
	ExportFailed Reason = "export_failed"
	// Oversize: the event was too large for a batch of its own.
	Oversize Reason = "oversize"
	// AtShutdown: the event came after Shutdown, or had no answer in its time.
	AtShutdown Reason = "shutdown"
	// BackendDown: the backend was not there.
	BackendDown Reason = "backend_down"
)

// reason is a Reason as an index.
type reason uint8

const (
	reasonNone reason = iota
	reasonQueueFull
	reasonExportFailed
	reasonOversize
	reasonShutdown
	reasonBackendDown
	reasons
)

var reasonNames = [reasons]Reason{"", QueueFull, ExportFailed, Oversize, AtShutdown, BackendDown}

// ledger knows of every event that left the shards. Its lock is taken before
// those of the shards.
type ledger struct {
	mu        sync.Mutex
	closed    bool
	inFlight  uint64 // taken from the shards, and nothing known of them yet
	settled   uint64 // of the accepted events, those whose fate is known
	delivered uint64
	dropped   [reasons]uint64
	last      uint64 // the last batch that was sent
	window    []sent
	waiters   []waiter
	slots     chan struct{} // one for each batch in window that was sent
}

// sent is a batch that waits for its acknowledgement. A later issue keeps its
// bytes here, to send them again.
type sent struct {
	seq    uint64
	events int
	bytes  int64
	at     time.Time
	lost   reason // not sent at all, and settled in its turn
}

type waiter struct {
	target uint64
	done   chan struct{}
}

// sending notes a batch that is about to be sent, and counts its size in place
// of what its events were estimated at. It is false when the ledger was closed,
// and the batch already counted.
func (q *queue) sending(b sent, size int64) bool {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	q.used.Add(size - b.bytes)
	l.last = max(l.last, b.seq)
	b.bytes = size
	l.window = append(l.window, b)
	if b.lost != reasonNone {
		q.settle(0, reasonNone)
	}
	return true
}

// settle notes the fate of all batches up to seq: delivered, or lost. The
// ledger is locked.
func (q *queue) settle(seq uint64, why reason) {
	l := &q.ledger
	n := 0
	for _, b := range l.window {
		if b.lost == reasonNone && b.seq > seq {
			break
		}
		n++
		events := uint64(b.events)
		l.inFlight -= events
		l.settled += events
		q.used.Add(-b.bytes)
		switch {
		case b.lost != reasonNone:
			l.dropped[b.lost] += events
			continue // it had no slot
		case why != reasonNone:
			l.dropped[why] += events
		default:
			l.delivered += events
		}
		<-l.slots
	}
	l.window = append(l.window[:0], l.window[n:]...)
	l.notify()
}

// ack notes an acknowledgement. It is false when there was no such batch.
func (q *queue) ack(seq uint64, failed bool) bool {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	if q.ledger.closed {
		return true
	}
	if seq > q.ledger.last {
		return false
	}
	why := reasonNone
	if failed {
		why = reasonExportFailed
	}
	q.settle(seq, why)
	return true
}

// close counts everything that is not settled as dropped, now and from now on.
func (q *queue) close(why reason) {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	q.lockShards()
	defer q.unlockShards()
	for i := range q.shards {
		s := &q.shards[i]
		s.refuse = why
		s.dropped[why] += uint64(len(s.records))
		s.records, s.extras = nil, nil
		s.bytes, s.told = 0, 0
	}
	l.dropped[why] += l.inFlight
	l.inFlight = 0
	l.window = nil
	l.closed = true
	q.used.Store(0)
	l.notify()
}

// notify wakes those who wait. The ledger is locked.
func (l *ledger) notify() {
	rest := l.waiters[:0]
	for _, w := range l.waiters {
		if l.closed || l.settled >= w.target {
			close(w.done)
			continue
		}
		rest = append(rest, w)
	}
	l.waiters = rest
}

// wait returns when the fate of everything that was accepted by now is known.
func (q *queue) wait(ctx context.Context) error {
	q.lockShards() // no record is between its number and its place
	target := q.order.Load()
	q.unlockShards()
	l := &q.ledger
	w := waiter{target, make(chan struct{})}
	l.mu.Lock()
	if l.closed || l.settled >= target {
		l.mu.Unlock()
		return nil
	}
	l.waiters = append(l.waiters, w)
	l.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller says what it waited for
	}
}

// oldest returns when the oldest unacknowledged batch was sent.
func (q *queue) oldest() (time.Time, bool) {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	if len(q.ledger.window) == 0 {
		return time.Time{}, false
	}
	return q.ledger.window[0].at, true
}

// counts returns the ledger as it is at one moment.
func (q *queue) counts() (emitted, delivered, inFlight uint64, dropped map[Reason]uint64) {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	q.lockShards()
	defer q.unlockShards()
	sums := l.dropped
	inFlight = l.inFlight
	for i := range q.shards {
		s := &q.shards[i]
		emitted += s.emitted
		inFlight += uint64(len(s.records))
		for r, n := range s.dropped {
			sums[r] += n
		}
	}
	dropped = map[Reason]uint64{}
	for r, n := range sums {
		if n > 0 {
			dropped[reasonNames[r]] = n
		}
	}
	return emitted, l.delivered, inFlight, dropped
}
