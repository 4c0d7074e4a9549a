package pluginhost

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
)

const (
	shards = 16
	// fullShard is how many events of one shard wake the encoder.
	fullShard = 512
	// step is how exactly the bytes in a shard are known to the others.
	step = 4 << 10
	// keepCap is the most records that a shard keeps memory for.
	keepCap = 16 << 10
)

// shard is a part of the queue with a lock of its own.
type shard struct {
	mu      sync.Mutex
	refuse  reason
	emitted uint64
	bytes   int64 // of the records here
	told    int64 // what of bytes is in queue.used
	records []wire.Record
	latest  atomic.Pointer[callbacks.CallbackContext] // that began, and may end soon
	starts  []*callbacks.CallbackContext              // those before that had not ended then
	extras  []wire.Extra
	exports []export
	dropped [reasons]uint64
	lost    [reasons]units
	_       [64]byte // keeps the locks on cache lines of their own
}

// queue takes records from hooks, which never wait for anything but each other,
// and counts what becomes of them.
//
// An order number is given under the lock of the record's shard, and only to
// records that are accepted. So a snapshot under all locks holds exactly the
// numbers since the last one, which put it in order without comparing.
type queue struct {
	limit    int64
	next     atomic.Pointer[queue] // takes what comes once this one has moved
	shedding bool                  // the oldest goes when there is no room
	order    atomic.Uint64
	used     atomic.Int64 // bytes of queued events, by estimate, and of batches
	idle     atomic.Bool  // the encoder sleeps until the first event
	shut     atomic.Bool  // all shards refuse what comes
	wake     chan struct{}
	full     chan struct{}
	shards   [shards]shard

	ledger ledger
	calls  callTimes
	taken  uint64 // the last order number that was taken
	spare  [shards]shard
}

func newQueue(limit int64, o Overflow) *queue {
	q := &queue{limit: limit, shedding: o == DropOldest, wake: make(chan struct{}, 1), full: make(chan struct{}, 1)}
	q.ledger.feed, q.ledger.acked = make(chan struct{}, 1), make(chan struct{}, 1)
	q.ledger.disk.changed = make(chan struct{}, 1)
	return q
}

// chunk is the size of the chunks of contexts that a worker of an engine allocates, as
// a power of two: contexts in one are of one worker, which then has a shard to itself
// most of the time, and in its processor's cache.
const chunk = 14

// shard returns the shard for what is said of cc's scope, the same each time.
func (q *queue) shard(cc *callbacks.CallbackContext) *shard {
	const spread = 0x9e3779b97f4a7c15              // 2^64 divided by the golden ratio
	address := uint64(uintptr(unsafe.Pointer(cc))) //nolint:gosec // it is not made a pointer again
	return &q.shards[address>>chunk*spread>>32%shards]
}

// put counts one call of a hook and queues it, unless the queue is full or
// closed. x is nil when the record has no extra; it is copied.
func (q *queue) put(r wire.Record, x *wire.Extra) {
	s := q.shard(r.Context)
	size := int64(wire.RecordSize)
	if x != nil {
		size += x.Bytes()
	}
	s.mu.Lock()
	if !q.admit(s, size, 0, 1) {
		moved := s.refuse == reasonMoved
		s.mu.Unlock()
		if moved {
			q.next.Load().put(r, x)
		}
		return
	}
	if x != nil {
		s.extras = append(s.extras, *x)
		r.Extra = int32(len(s.extras))
	}
	r.Order = q.order.Add(1)
	s.records = append(s.records, r)
	n := len(s.records)
	s.mu.Unlock()
	q.rouse(n)
}

// ended is put for what there is most of: the end of a node or item of which nothing
// else is to be said.
func (q *queue) ended(hook callbacks.Hook, cc *callbacks.CallbackContext, e *callbacks.End, attempts int) {
	s := q.shard(cc)
	s.mu.Lock()
	if !q.admit(s, wire.RecordSize, 0, 1) {
		moved := s.refuse == reasonMoved
		s.mu.Unlock()
		if moved {
			q.next.Load().ended(hook, cc, e, attempts)
		}
		return
	}
	s.records = append(s.records, wire.Record{
		Context: cc, Order: q.order.Add(1), Duration: e.Duration,
		Attempts: int32(attempts), Hook: hook, Result: e.Result, Origin: e.Origin,
	})
	n := len(s.records)
	s.mu.Unlock()
	q.rouse(n)
}

// maxStarts is the most starts that wait in a shard.
const maxStarts = 4096

// begin notes that a scope has begun whose start is worth an event only if it does not
// end soon: see unended. Mostly what began before it in the shard has ended.
func (q *queue) begin(cc *callbacks.CallbackContext) {
	s := q.shard(cc)
	if q.shut.Load() {
		s.mu.Lock()
		if s.refuse == reasonMoved {
			s.mu.Unlock()
			q.next.Load().begin(cc)
			return
		}
		q.admit(s, wire.RecordSize, 0, 1) // which counts it as lost
		s.mu.Unlock()
		return
	}
	if before := s.latest.Swap(cc); before != nil && !before.Ended() {
		s.mu.Lock()
		moved := s.refuse == reasonMoved
		if s.refuse == reasonNone && len(s.starts) < maxStarts {
			s.starts = append(s.starts, before)
		}
		s.mu.Unlock()
		if moved {
			q.next.Load().begin(before)
		}
	}
	q.rouse(0)
}

// unended queues the starts of those scopes that have not ended since the last time it
// was called. Only the encoder calls it.
func (q *queue) unended() {
	for i := range q.shards {
		s := &q.shards[i]
		latest := s.latest.Swap(nil)
		s.mu.Lock()
		s.starts, q.spare[i].starts = q.spare[i].starts[:0], s.starts
		s.mu.Unlock()
		list := q.spare[i].starts
		for _, cc := range list {
			q.late(s, cc)
		}
		clear(list) // lets the contexts go
		if latest != nil {
			q.late(s, latest)
		}
	}
}

// late queues the start of a scope, unless it has ended: the lock keeps its end, which
// comes to the same shard, from being numbered before.
func (q *queue) late(s *shard, cc *callbacks.CallbackContext) {
	if cc.Ended() {
		return
	}
	s.mu.Lock()
	if s.refuse == reasonMoved {
		s.mu.Unlock()
		q.next.Load().begin(cc)
		return
	}
	defer s.mu.Unlock()
	if cc.Ended() || !q.admit(s, wire.RecordSize, 0, 1) {
		return
	}
	hook := callbacks.HookNodeStart
	if cc.Kind() == callbacks.KindMapItem {
		hook = callbacks.HookMapItemStart
	}
	s.records = append(s.records, wire.Record{Context: cc, Hook: hook, Order: q.order.Add(1)})
}

// forMetrics is the part of the queue that only exports of metrics may fill: they are
// few, and say what became of all else.
const forMetrics = 8

// admit counts what is about to be queued in s, whose lock is held, and finds
// room for it. It is false when there is none, or the queue refuses it, and n of a
// unit are lost.
func (q *queue) admit(s *shard, size int64, unit int, n uint64) bool {
	if s.refuse == reasonMoved {
		return false
	}
	s.emitted++
	if s.refuse != reasonNone {
		s.drop(s.refuse, unit, n)
		return false
	}
	limit := q.limit
	if unit != Metrics.unit() {
		limit -= limit / forMetrics
	}
	if q.used.Load()+s.bytes-s.told+size > limit {
		s.drop(reasonQueueFull, unit, n)
		return false
	}
	s.bytes += size
	if s.bytes-s.told >= step {
		q.used.Add(s.bytes - s.told)
		s.told = s.bytes
	}
	return true
}

// drop counts a record, or an export of n things, as lost. The lock is held.
func (s *shard) drop(why reason, unit int, n uint64) {
	s.dropped[why]++
	s.lost[why][unit] += n
}

// units returns what waits here. The lock is held.
func (s *shard) units() (u units) {
	u[0] = uint64(len(s.records) - len(s.exports))
	for i := range s.exports {
		u[s.exports[i].signal.unit()] += s.exports[i].things
	}
	return u
}

// rouse wakes the encoder for a shard that holds n records, if it is time.
func (q *queue) rouse(n int) {
	if n == fullShard {
		signal(q.full)
	}
	if q.idle.Load() && q.idle.CompareAndSwap(true, false) {
		signal(q.wake)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pending is a snapshot of the queue, in order.
type pending struct {
	records []wire.Record
	extras  []wire.Extra
	exports []export
	bytes   int64
	dropped uint64 // what was not queued for want of room, or because of its size, ever
}

// extra returns the extra of a record, or nil.
func (p *pending) extra(r *wire.Record) *wire.Extra {
	if r.Extra == 0 {
		return nil
	}
	return &p.extras[r.Extra-1]
}

func (q *queue) lockShards() {
	for i := range q.shards {
		q.shards[i].mu.Lock()
	}
}

func (q *queue) unlockShards() {
	for i := range q.shards {
		q.shards[i].mu.Unlock()
	}
}

// take moves everything that is queued to p. Only the encoder calls it.
func (q *queue) take(p *pending) {
	n := 0
	p.bytes, p.dropped = 0, 0
	q.ledger.mu.Lock()
	q.lockShards()
	for i := range q.shards {
		s, old := &q.shards[i], &q.spare[i]
		p.dropped += s.dropped[reasonQueueFull] + s.dropped[reasonOversize]
		q.used.Add(s.bytes - s.told)
		p.bytes += s.bytes
		s.bytes, s.told = 0, 0
		n += len(s.records)
		here := s.units()
		q.ledger.flying.add(&here)
		s.records, old.records = old.records, s.records
		s.extras, old.extras = old.extras, s.extras
		s.exports, old.exports = old.exports, s.exports
	}
	q.ledger.inFlight += uint64(n)
	q.unlockShards()
	q.ledger.mu.Unlock()

	if cap(p.records) < n {
		p.records = make([]wire.Record, n)
	}
	p.records = p.records[:n]
	p.extras, p.exports = p.extras[:0], p.exports[:0]
	for i := range q.spare {
		s := &q.spare[i]
		extras, exports := int32(len(p.extras)), int32(len(p.exports))
		for _, r := range s.records {
			switch {
			case isExport(&r):
				r.Extra += exports
			case r.Extra != 0:
				r.Extra += extras
			}
			p.records[r.Order-q.taken-1] = r
		}
		p.extras = append(p.extras, s.extras...)
		p.exports = append(p.exports, s.exports...)
		s.recycle()
	}
	q.taken += uint64(n)
}

// recycle empties a spare shard, and frees its memory after a burst.
func (s *shard) recycle() {
	clear(s.records) // lets the contexts go
	clear(s.extras)
	clear(s.exports)
	s.records, s.extras, s.exports = s.records[:0], s.extras[:0], s.exports[:0]
	if cap(s.records) > keepCap {
		s.records = nil
	}
	if cap(s.extras) > keepCap {
		s.extras = nil
	}
	if cap(s.exports) > keepCap {
		s.exports = nil
	}
}

// empty reports whether nothing is queued.
func (q *queue) empty() bool {
	q.lockShards()
	defer q.unlockShards()
	for i := range q.shards {
		if len(q.shards[i].records) > 0 {
			return false
		}
	}
	return true
}

// refuse drops what is emitted from now on, for a reason.
func (q *queue) refuse(r reason) {
	q.lockShards()
	defer q.unlockShards()
	for i := range q.shards {
		if s := &q.shards[i]; s.refuse != reasonMoved {
			s.refuse = r
		}
	}
	q.shut.Store(true)
}

// move has next take what comes from now on. What is queued stays.
func (q *queue) move(next *queue) {
	q.next.Store(next)
	q.refuse(reasonMoved)
}

// sinceStart is when a hook that is not an End was called, from the start of
// its scope.
func sinceStart(cc *callbacks.CallbackContext) time.Duration {
	start := cc.Start()
	if start.IsZero() {
		return 0
	}
	return max(time.Since(start), 0)
}
