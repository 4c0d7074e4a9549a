package pluginhost

import (
	"context"
	"math"
	"slices"
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
	// Oversize: the event, or export, was too large for a batch of its own.
	Oversize Reason = "oversize"
	// AtShutdown: the event had no answer in the time of Shutdown.
	AtShutdown Reason = "shutdown"
	// AfterShutdown: the event was emitted after Shutdown had begun.
	AfterShutdown Reason = "after_shutdown"
	// BackendDown: the backend was not there.
	BackendDown Reason = "backend_down"
	// SpoolFull: the event was to be kept on the disk, and the spool had no room.
	SpoolFull Reason = "spool_full"
	// SpoolFailed: the disk failed when the event was to be kept there, or gave it
	// back damaged.
	SpoolFailed Reason = "spool_failed"
	// Expired: the event was kept on the disk for as long as is allowed.
	Expired Reason = "expired"
)

// Reasons returns all of them.
func Reasons() []Reason { return slices.Clone(reasonNames[1:]) }

// reason is a Reason as an index.
type reason uint8

const (
	reasonNone reason = iota
	reasonQueueFull
	reasonExportFailed
	reasonOversize
	reasonShutdown
	reasonAfterShutdown
	reasonBackendDown
	reasonSpoolFull
	reasonSpoolFailed
	reasonExpired
	reasons
	// reasonMoved is for what another queue takes.
	reasonMoved
)

var reasonNames = [reasons]Reason{"", QueueFull, ExportFailed, Oversize, AtShutdown, AfterShutdown, BackendDown, SpoolFull, SpoolFailed, Expired}

// ledger knows of every event and export that left the shards. Its lock is taken before
// those of the shards.
type ledger struct {
	mu        sync.Mutex
	closed    bool
	flying    units // of what inFlight counts
	lost      [reasons]units
	inFlight  uint64 // taken from the shards, and nothing known of them yet
	settled   uint64 // of the accepted events, those whose fate is known
	delivered uint64
	refused   [signals]uint64 // exports that the destination does not take: not counted as emitted any more
	dropped   [reasons]uint64
	last      uint64  // the last batch that was sent
	numbered  uint64  // the last number that was given to a batch
	untold    uint64  // what was shed and no batch has told of
	window    []batch // encoded and not settled, in order
	next      int     // the place in window of the first that was not sent
	unacked   int     // how many batches were sent and not acknowledged
	waiters   []*waiter
	feed      chan struct{} // there may be something to send
	acked     chan struct{} // a batch was acknowledged
	disk      disk
}

// batch is what waits to be sent, or for its acknowledgement.
type batch struct {
	seq    uint64 // its place among those that were made, and its number in data
	wire   uint64 // the number that it is sent under; 0 before it is sent
	told   uint64 // the losses that it tells of
	events int
	came   units // the hooks and exports that events counts
	holds  units
	bytes  int64
	data   []byte // encoded; kept, to be sent again if the backend ends
	at     time.Time
	ends   int    // of backends that had this one to acknowledge first
	lost   reason // not sent, or not again, and settled in its turn
	shed   bool   // counted as lost already
}

type waiter struct {
	target uint64
	done   chan struct{}
}

// encoded appends a batch to those that wait to be sent, and counts its size in
// place of estimate, what its events were queued for. It is false when the
// ledger was closed, and the batch already counted.
func (q *queue) encoded(b batch, estimate int64) bool {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	b.bytes = int64(len(b.data))
	q.used.Add(b.bytes - estimate)
	l.window = append(l.window, b)
	if b.lost != reasonNone {
		q.settle(0, reasonNone, units{})
	}
	q.shed()
	signal(l.feed)
	return true
}

// send returns the next batch to send, if there is one and few enough wait for
// their acknowledgement.
func (q *queue) send() (data []byte, ok bool) {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.next < len(l.window) && l.window[l.next].lost != reasonNone {
		l.next++
	}
	if l.next == len(l.window) || l.unacked == maxUnacked {
		return nil, false
	}
	b := &l.window[l.next]
	b.at = time.Now()
	l.number(b)
	l.last = b.wire
	l.next++
	l.unacked++
	return b.data, true
}

// maxEnds is how many backends may end one after another with the same batch, without
// acknowledging anything, before it is lost: it may be what ends them.
const maxEnds = breakAfter

// rewind has all that is not acknowledged sent again, to a backend that has just
// started.
func (q *queue) rewind() {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.next {
		b := &l.window[i]
		if b.lost != reasonNone {
			continue
		}
		if b.ends++; b.ends == maxEnds {
			b.lost, b.data = reasonExportFailed, nil
		}
		l.last = b.wire - 1
		break
	}
	l.next, l.unacked = 0, 0
	q.settle(0, reasonNone, units{})
	signal(l.feed)
}

// settle notes the fate of all batches up to seq: delivered, or lost, as many of their
// events and exports as lost says. The ledger is locked.
func (q *queue) settle(seq uint64, why reason, lost units) {
	l := &q.ledger
	n, now, errorType := 0, time.Now(), ""
	if why != reasonNone {
		errorType = string(reasonNames[why])
	}
	for _, b := range l.window {
		if b.lost == reasonNone && (b.wire == 0 || b.wire > seq) {
			break
		}
		n++
		events := uint64(b.events)
		l.settled += events
		if b.shed {
			continue
		}
		l.inFlight -= events
		l.flying.sub(&b.holds)
		q.used.Add(-b.bytes)
		switch {
		case b.lost != reasonNone:
			l.dropped[b.lost] += events
			l.lost[b.lost].add(&b.holds)
			continue // it was not sent
		case why != reasonNone:
			n := b.blame(&lost, &l.lost[why])
			l.dropped[why] += n
			l.delivered += events - n
		default:
			l.delivered += events
		}
		l.unacked--
		q.calls.add("Stream", errorType, now.Sub(b.at))
	}
	if n == 0 {
		return
	}
	rest := copy(l.window, l.window[n:])
	clear(l.window[rest:])
	l.window = l.window[:rest]
	l.next = max(l.next-n, 0)
	signal(l.feed)
	l.notify()
}

// blame takes from left what of the batch is lost, adds what that held to holds, and
// returns how many events and exports it was. Of several exports of a signal, each
// counts for its share of what they held.
func (b *batch) blame(left, holds *units) (n uint64) {
	for i, came := range b.came {
		part := min(left[i], came)
		if part == 0 {
			continue
		}
		left[i] -= part
		holds[i] += (b.holds[i]*part + came - 1) / came
		n += part
	}
	return n
}

// everything is more than any batch has.
var everything = units{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}

// ack notes an acknowledgement: that all is delivered, or how much is not, and whether
// that is news. The exports of refused signals, a bit each, are taken out of the counts.
// It is not ok when there was no such batch.
func (q *queue) ack(seq uint64, lost units, refused uint32) (news, ok bool) {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	if q.ledger.closed {
		return false, true
	}
	if seq > q.ledger.last {
		return false, false
	}
	before := q.ledger.unacked
	why := reasonNone
	if lost != (units{}) {
		why = reasonExportFailed
	}
	q.ledger.refuse(seq, refused)
	q.settle(seq, why, lost)
	signal(q.ledger.acked)
	return q.ledger.unacked != before, true
}

// refuse takes the exports of refused signals out of the batches up to seq that were
// sent, and out of what was emitted. The ledger is locked.
func (l *ledger) refuse(seq uint64, refused uint32) {
	for i := range l.window {
		b := &l.window[i]
		if refused == 0 || b.lost == reasonNone && (b.wire == 0 || b.wire > seq) {
			return
		}
		if b.lost != reasonNone || b.shed {
			continue
		}
		for s := range signals {
			if refused>>s&1 == 0 {
				continue
			}
			n := b.came[s.unit()]
			l.refused[s] += n
			l.inFlight -= n
			l.settled += n
			l.flying[s.unit()] -= b.holds[s.unit()]
			b.events -= int(n)
			b.came[s.unit()], b.holds[s.unit()] = 0, 0
		}
	}
}

// awaited reports whether a batch was sent that is not acknowledged.
func (l *ledger) awaited() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unacked > 0
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
		if s.refuse == reasonNone {
			s.refuse = why
		}
		s.dropped[why] += uint64(len(s.records))
		here := s.units()
		s.lost[why].add(&here)
		s.records, s.extras, s.exports, s.starts = nil, nil, nil, nil
		s.latest.Store(nil)
		s.bytes, s.told = 0, 0
	}
	q.shut.Store(true)
	if l.disk.kept < 0 { // they are in flight by name only
		l.inFlight -= uint64(-l.disk.kept)
		l.disk.kept = 0
	}
	l.dropped[why] += l.inFlight
	l.lost[why].add(&l.flying)
	l.inFlight, l.flying = 0, units{}
	l.window, l.next, l.unacked = nil, 0, 0
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
	w := &waiter{target: target, done: make(chan struct{})}
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
	if q.ledger.next == 0 {
		return time.Time{}, false
	}
	return q.ledger.window[0].at, true
}

// refusals counts the exports that were sent and that the destination does not take.
func (q *queue) refusals() [signals]uint64 {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	return q.ledger.refused
}

// counts returns the ledger as it is at one moment.
func (q *queue) counts() (emitted, delivered, inFlight, kept uint64, dropped [reasons]uint64, lost [reasons]units) {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	q.lockShards()
	defer q.unlockShards()
	dropped, lost = l.dropped, l.lost
	inFlight = l.inFlight
	if l.disk.kept < 0 {
		inFlight -= uint64(-l.disk.kept)
	} else {
		kept = uint64(l.disk.kept)
	}
	for i := range q.shards {
		s := &q.shards[i]
		emitted += s.emitted
		inFlight += uint64(len(s.records))
		for r, n := range s.dropped {
			dropped[r] += n
			lost[r].add(&s.lost[r])
		}
	}
	for _, n := range l.refused {
		emitted -= n
	}
	return emitted, l.delivered, inFlight, kept, dropped, lost
}
