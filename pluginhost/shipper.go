package pluginhost

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// shipper makes batches of what is queued, whether or not there is a backend to
// send them to: a queued record holds the context of its run, with whatever the
// program has put there, and a batch holds nothing but bytes.
type shipper struct {
	host    *Host
	enc     *wire.Encoder
	pend    pending
	seq     uint64
	dropped uint64 // what the batches so far have told of
	lost    uint64 // events that were no batch's, and no batch has told of

	courier *courier // nil without a spool
	list    []outgoing
	size    int  // of the batches in list
	total   mark // of the events for the spool so far
}

// encode makes batches until it is told to stop.
func (h *Host) encode() {
	h.openSpool()
	sh := &shipper{host: h, enc: wire.NewEncoder(), courier: h.courier}
	for sh.await() {
		h.queue.take(&sh.pend)
		h.queue.unended()
		if !sh.encode() {
			return
		}
	}
}

// await returns when there is something to encode: many events, or few that have
// waited for long enough. It is false when the host ends.
func (sh *shipper) await() bool {
	h := sh.host
	q := h.queue
	q.idle.Store(true)
	if q.empty() {
		select {
		case <-q.wake:
		case <-h.hurry:
			q.idle.Store(false)
			return h.encoding.Err() == nil
		case <-h.encoding.Done():
			return false
		}
	}
	q.idle.Store(false)
	late, live := sh.wait(time.Duration(h.linger.Load()), nil)
	if !late || !live {
		return live
	}
	select {
	case <-q.ledger.acked: // an earlier one
	default:
	}
	if q.ledger.awaited() {
		_, live = sh.wait(maxHold, q.ledger.acked)
	}
	return live
}

// maxHold is how long few events wait, beyond the linger, for the backend to
// acknowledge what it has: it would not look at them before. Each batch is work for
// three threads of two processes, which the nodes of a pipeline wait for, too, where
// processors are few.
const maxHold = 90 * time.Millisecond

// wait returns when there are many events, or somebody waits for them, or it has
// been told; late says that it is for the time alone. live is false when the host ends.
func (sh *shipper) wait(d time.Duration, told <-chan struct{}) (late, live bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, true
	case <-sh.host.queue.full:
	case <-sh.host.hurry:
	case <-told:
	case <-sh.host.encoding.Done():
		return false, false
	}
	return false, true
}

// encode makes as few batches as fit of what was taken.
func (sh *shipper) encode() bool {
	p := &sh.pend
	rest := p.records
	for len(rest) > 0 {
		n := min(len(rest), wire.MaxEvents)
		share := p.bytes / int64(len(rest)) * int64(n)
		if n == len(rest) {
			share = p.bytes
		}
		p.bytes -= share
		if !sh.batch(rest[:n], share) {
			return false
		}
		rest = rest[n:]
	}
	if sh.courier != nil && !sh.keep() {
		return false
	}
	sh.enc.Begin(0, 0, 0) // lets the contexts go
	clear(p.records)
	clear(p.extras)
	clear(p.exports)
	if cap(p.records) > keepCap*shards {
		p.records = nil
	}
	if cap(p.extras) > keepCap {
		p.extras = nil
	}
	if cap(p.exports) > keepCap {
		p.exports = nil
	}
	return true
}

// batch makes one batch of records, or more when they are too large for one.
// estimate is what they count for in the queue.
func (sh *shipper) batch(records []wire.Record, estimate int64) bool {
	seq := sh.seq + 1
	told := sh.pend.dropped + sh.lost
	sh.enc.Begin(sh.host.epoch, seq, told-sh.dropped)
	var came, holds units
	for i := range records {
		r := &records[i]
		if isExport(r) {
			e := &sh.pend.exports[r.Extra-1]
			sh.enc.AddExport(e.signal.number(), r.Order, e.request)
			came[e.signal.unit()]++
			holds[e.signal.unit()] += e.things
			continue
		}
		sh.enc.Add(r, sh.pend.extra(r))
	}
	came[0] = uint64(len(records)) - came[1] - came[2] - came[3]
	holds[0] = came[0]
	size := proto.Size(sh.enc.Batch())
	if size > wire.MaxBatch {
		if len(records) == 1 {
			sh.lost++
			return sh.put(batch{events: 1, came: came, holds: holds, lost: reasonOversize}, estimate)
		}
		half := len(records) / 2
		return sh.batch(records[:half], estimate/2) && sh.batch(records[half:], estimate-estimate/2)
	}
	b := batch{seq: seq, told: told - sh.dropped, events: len(records), came: came, holds: holds}
	data, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(sh.buffer(size, &b), sh.enc.Batch())
	if err != nil { // does not happen: every string was made valid
		return sh.put(batch{events: len(records), came: came, holds: holds, lost: reasonOversize}, estimate)
	}
	b.data = data
	before := sh.dropped
	sh.seq, sh.dropped = seq, told
	if sh.courier != nil {
		return sh.keepSoon(b, before, estimate)
	}
	return sh.host.queue.encoded(b, estimate)
}

// put passes on a batch that is not to be sent.
func (sh *shipper) put(b batch, estimate int64) bool {
	if sh.courier != nil {
		sh.list = append(sh.list, outgoing{batch: b, estimate: estimate})
		return true
	}
	return sh.host.queue.encoded(b, estimate)
}

// buffer returns one for a batch of a size, which it may grow.
func (sh *shipper) buffer(size int, b *batch) []byte {
	if sh.courier == nil {
		return make([]byte, 0, size)
	}
	s := stamp{came: b.came, holds: b.holds, before: sh.total}
	return s.append(make([]byte, 0, size+maxStamp))
}

// send sends batches until life ends. A backend that does not read stops it, and
// nothing else.
func (h *Host) send(life context.Context, stream pb.Backend_StreamClient) {
	if c := h.durable(); c != nil {
		c.send(life, stream)
		return
	}
	for {
		data, ok := h.queue.send()
		if !ok {
			select {
			case <-h.queue.ledger.feed:
				continue
			case <-life.Done():
				return
			}
		}
		// An error here is the stream's end, of which the receiver learns more.
		if stream.SendMsg(encodedBatch(data)) != nil {
			return
		}
	}
}
