package pluginhost

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
)

const (
	shards = 16
	// fullShard is how many events of one shard wake the encoder: spans are
	// spread evenly, so this is about 512 in all.
	fullShard = 512 / shards
	// step is how exactly the bytes in a shard are known to the others.
	step = 4 << 10
	// keepCap is the most records that a shard keeps memory for.
	keepCap = 16 << 10
)

// shard is a part of the queue with a lock of its own.
type shard struct {
	mu      sync.Mutex
	records []wire.Record
	extras  []wire.Extra
	exports []export
	emitted uint64
	bytes   int64 // of the records here
	told    int64 // what of bytes is in queue.used
	refuse  reason
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
	limit  int64
	order  atomic.Uint64
	used   atomic.Int64 // bytes of queued events, by estimate, and of batches
	idle   atomic.Bool  // the encoder sleeps until the first event
	wake   chan struct{}
	full   chan struct{}
	shards [shards]shard

	ledger ledger
	calls  callTimes
	taken  uint64 // the last order number that was taken
	spare  [shards]shard
}

func newQueue(limit int64) *queue {
	q := &queue{limit: limit, wake: make(chan struct{}, 1), full: make(chan struct{}, 1)}
	q.ledger.feed = make(chan struct{}, 1)
	return q
}

// put counts one call of a hook and queues it, unless the queue is full or
// closed. x is nil when the record has no extra; it is copied.
func (q *queue) put(r wire.Record, x *wire.Extra) {
	span := r.Context.SpanID()
	s := &q.shards[span[len(span)-1]%shards]
	size := int64(wire.RecordSize)
	if x != nil {
		size += x.Bytes()
	}
	s.mu.Lock()
	if !q.admit(s, size, 0, 1) {
		s.mu.Unlock()
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

// admit counts what is about to be queued in s, whose lock is held, and finds
// room for it. It is false when there is none, or the queue refuses it, and n of a
// unit are lost.
func (q *queue) admit(s *shard, size int64, unit int, n uint64) bool {
	s.emitted++
	if s.refuse != reasonNone {
		s.drop(s.refuse, unit, n)
		return false
	}
	if q.used.Load()+s.bytes-s.told+size > q.limit {
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
		q.shards[i].refuse = r
	}
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
