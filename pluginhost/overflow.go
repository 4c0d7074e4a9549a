package pluginhost

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Overflow says what is dropped when a queue is full. A hook never waits for room.
type Overflow string

// The rules.
const (
	// DropNewest keeps what is queued, and drops what comes.
	DropNewest Overflow = "drop_newest"
	// DropOldest drops what has waited for longest and was not sent. While the
	// program makes more than can be encoded, the newest is dropped as well.
	DropOldest Overflow = "drop_oldest"
)

// shed drops the oldest batches when those have to go. It begins before hooks find no
// room, and goes on until there is some, so that it is done seldom. The ledger is locked.
//
// The numbers of batches have no gaps. So what was sent to this backend, or to one
// before it and is about to be sent again, stays; only all from the first on can go.
func (q *queue) shed() {
	l := &q.ledger
	if !q.shedding || q.used.Load() <= q.limit/4*3 {
		return
	}
	from := l.next
	for from > 0 && from < len(l.window) && l.window[from].wire != 0 {
		from++
	}
	to := from
	for ; to < len(l.window)-1 && q.used.Load() > q.limit/8*5; to++ {
		if b := &l.window[to]; b.lost == reasonNone {
			l.drop(b, reasonQueueFull)
			q.used.Add(-b.bytes)
			b.bytes = 0
		}
	}
	if to == from {
		return
	}
	// One entry for all: an outage may be long.
	last := from
	for i := from + 1; i < to; i++ {
		if b, into := &l.window[i], &l.window[last]; b.shed && into.shed {
			into.events += b.events
			continue
		}
		last++
		l.window[last] = l.window[i]
	}
	l.window = slices.Delete(l.window, last+1, to)
	q.settle(0, reasonNone, units{})
}

// drop counts a batch as lost, whose turn to be settled comes later.
func (l *ledger) drop(b *batch, why reason) {
	n := uint64(b.events)
	l.inFlight -= n
	l.flying.sub(&b.holds)
	l.dropped[why] += n
	l.lost[why].add(&b.holds)
	l.untold += b.told + n
	b.lost, b.shed, b.data = why, true, nil
}

// number gives a batch the number that it is sent under, if it has none, and has it
// tell of what was shed.
func (l *ledger) number(b *batch) {
	if b.wire != 0 {
		return
	}
	l.numbered++
	b.wire = l.numbered
	if b.wire == b.seq && l.untold == 0 {
		return
	}
	b.told += l.untold
	l.untold = 0
	// Of two values of a field the last counts.
	data := slices.Clip(b.data)
	data = protowire.AppendVarint(protowire.AppendTag(data, seqField, protowire.VarintType), b.wire)
	b.data = protowire.AppendVarint(protowire.AppendTag(data, droppedField, protowire.VarintType), b.told)
}

// The numbers of fields of a batch.
const (
	seqField     = 2
	droppedField = 3
)
