package pluginhost

import (
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
	lost    uint64 // oversize events that no batch has told of
}

// encode makes batches until the host's context ends.
func (h *Host) encode() {
	sh := &shipper{host: h, enc: wire.NewEncoder()}
	for sh.await() {
		h.queue.take(&sh.pend)
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
			return h.ctx.Err() == nil
		case <-h.ctx.Done():
			return false
		}
	}
	q.idle.Store(false)
	linger := time.NewTimer(time.Duration(h.linger.Load()))
	defer linger.Stop()
	select {
	case <-q.full:
	case <-linger.C:
	case <-h.hurry:
	case <-h.ctx.Done():
		return false
	}
	return true
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
	q := sh.host.queue
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
			return q.encoded(batch{events: 1, came: came, holds: holds, lost: reasonOversize}, estimate)
		}
		half := len(records) / 2
		return sh.batch(records[:half], estimate/2) && sh.batch(records[half:], estimate-estimate/2)
	}
	data, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(make([]byte, 0, size), sh.enc.Batch())
	if err != nil { // does not happen: every string was made valid
		return q.encoded(batch{events: len(records), came: came, holds: holds, lost: reasonOversize}, estimate)
	}
	sh.seq, sh.dropped = seq, told
	return q.encoded(batch{seq: seq, events: len(records), came: came, holds: holds, data: data}, estimate)
}

// send sends batches until the host's context ends. A backend that does not read
// stops it, and nothing else.
func (h *Host) send(stream pb.Backend_StreamClient) {
	for {
		data, ok := h.queue.send()
		if !ok {
			select {
			case <-h.queue.ledger.feed:
				continue
			case <-h.ctx.Done():
				return
			}
		}
		// An error here is the stream's end, of which the receiver learns more.
		if stream.SendMsg(encodedBatch(data)) != nil {
			return
		}
	}
}
