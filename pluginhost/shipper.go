package pluginhost

import (
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// shipper makes batches of what is queued, and sends them. A backend that does
// not read stops the shipper, and nothing else.
type shipper struct {
	host    *Host
	session *session
	stream  pb.Backend_StreamClient
	enc     *wire.Encoder
	pend    pending
	seq     uint64
	dropped uint64 // what the batches so far have told of
	lost    uint64 // oversize events that no batch has told of
}

// ship sends until the host's context ends.
func (h *Host) ship(s *session, stream pb.Backend_StreamClient) {
	sh := &shipper{host: h, session: s, stream: stream, enc: wire.NewEncoder()}
	for sh.await() {
		h.queue.take(&sh.pend)
		if !sh.send() {
			return
		}
	}
}

// await returns when there is something to ship: many events, or few that have
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
	linger := time.NewTimer(h.linger)
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

// send ships what was taken, in as few batches as fit.
func (sh *shipper) send() bool {
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
	clear(p.records)
	clear(p.extras)
	if cap(p.records) > keepCap*shards {
		p.records = nil
	}
	if cap(p.extras) > keepCap {
		p.extras = nil
	}
	return true
}

// batch sends records as one batch, or as more when they are too large. bytes
// is what they count for in the queue.
func (sh *shipper) batch(records []wire.Record, bytes int64) bool {
	h, q := sh.host, sh.host.queue
	seq := sh.seq + 1
	told := sh.pend.dropped + sh.lost
	sh.enc.Begin(h.epoch, seq, told-sh.dropped)
	for i := range records {
		sh.enc.Add(&records[i], sh.pend.extra(&records[i]))
	}
	size := proto.Size(sh.enc.Batch())
	if size > wire.MaxBatch {
		if len(records) == 1 {
			sh.lost++
			return q.sending(sent{events: 1, bytes: bytes, at: time.Now(), lost: reasonOversize}, bytes)
		}
		half := len(records) / 2
		return sh.batch(records[:half], bytes/2) && sh.batch(records[half:], bytes-bytes/2)
	}
	select {
	case q.ledger.slots <- struct{}{}:
	case <-h.ctx.Done():
		return false
	}
	sh.seq, sh.dropped = seq, told
	if !q.sending(sent{seq: seq, events: len(records), bytes: bytes, at: time.Now()}, int64(size)) {
		return false
	}
	// An error here is the stream's end, of which the receiver learns more.
	return sh.stream.Send(sh.enc.Batch()) == nil
}
