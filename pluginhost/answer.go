package pluginhost

import (
	"maps"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// ack notes an acknowledgement: that all is delivered, or how much is not, and whether
// that is news. It is not ok when there was no such batch.
func (c *courier) ack(epoch, seq uint64, a answer) (news, ok bool) {
	c.mu.Lock()
	if epoch == c.last.epoch && seq > c.last.seq {
		c.mu.Unlock()
		return false, false
	}
	list := c.upTo(epoch, seq)
	news = len(list) > 0 // before they are let go of
	c.answer(list, a)
	acks := c.pop()
	c.mu.Unlock()
	c.acknowledge(acks)
	signal(c.answered)
	return news, true
}

// upTo returns the batches without an answer up to one. A backend that has handled
// batches of several epochs together names the last one only. The courier is locked.
func (c *courier) upTo(epoch, seq uint64) (list []*parcel) {
	n := 0
	for i := range c.sent {
		p := &c.sent[i]
		if p.answered || p.failed {
			continue
		}
		list = append(list, p)
		if p.wire == epoch && p.seq <= seq {
			n = len(list)
		}
	}
	return list[:n]
}

// answer is what a backend says of batches that it acknowledges.
type answer struct {
	lost     units // of what they had; nothing when there is none
	exported bool  // something has arrived at the destination
	failure  pb.Failure
}

// answer notes what became of batches. The courier is locked.
func (c *courier) answer(list []*parcel, a answer) {
	if len(list) == 0 {
		return
	}
	c.pending -= len(list)
	var came units
	for _, p := range list {
		came.add(&p.stamp.came)
	}
	errorType := ""
	if a.lost != (units{}) {
		errorType = exportFailed
	}
	verdict, before := c.judge(&a, &came), c.failed
	if a.exported {
		c.exported++
	}
	for _, p := range list {
		c.queue.calls.add("Stream", errorType, time.Since(p.at))
		if verdict != settled {
			c.refuse(p, verdict, &a, len(list) == 1)
			continue
		}
		c.settle(p, &a.lost)
		c.arrived(p)
	}
	c.retry = time.Time{}
	if c.failing = c.failed > before; c.failing {
		c.retry = time.Now().Add(c.pause)
	} else {
		c.good++
	}
}

// settle notes that a batch is delivered, but for what it has of lost, which is taken from
// there.
func (c *courier) settle(p *parcel, lost *units) {
	p.answered, p.failed = true, false
	b := batch{came: p.stamp.came, holds: p.stamp.holds}
	p.outcome.lost = b.blame(lost, &p.outcome.holds)
	p.outcome.ignored = min(p.stamp.came.ignored(c.takes), p.events-p.outcome.lost)
}

// verdict is what follows from an answer.
type verdict uint8

const (
	// settled: it is delivered, but for a part that the collector has taken out.
	settled verdict = iota
	// later: it is sent again, however often: the collector is away.
	later
	// doubtful: something of it has not arrived, and nobody says why.
	doubtful
	// refused: something has answered that it does not take it, or a part of it.
	refused
)

// judge decides what an answer about what came means. Nothing is lost for good while a
// collector is away. That is known when the backend says so; and where it does not say
// what has failed, only what it says has arrived is a sign of the contrary. A loss in part
// says no more than one as a whole: of several requests one may have met a proxy. Only a
// partial success is an answer of the collector's own.
func (c *courier) judge(a *answer, came *units) verdict {
	switch {
	case a.lost == (units{}):
		return settled
	case a.failure == pb.Failure_FAILURE_AWAY:
		return later
	case a.failure == pb.Failure_FAILURE_REJECTED && !a.lost.cover(came, c.takes):
		return settled
	case a.failure == pb.Failure_FAILURE_REJECTED, a.failure == pb.Failure_FAILURE_REFUSED:
		return refused
	default:
		return doubtful
	}
}

// cover reports whether u is at least all of what came, but for what is not taken.
func (u *units) cover(came *units, takes func(Signal) bool) bool {
	for i, n := range came {
		if u[i] < n && (i == 0 || takes(Signal(i-1))) {
			return false
		}
	}
	return true
}

// ignored is how many of the exports that came are not taken.
func (u *units) ignored(takes func(Signal) bool) (n uint64) {
	for s := range signals {
		if !takes(s) {
			n += u[s.unit()]
		}
	}
	return n
}

// refuse notes that a batch could not be exported, or not all of it. It is sent again,
// unless that has failed for three times that count, and something has arrived since the
// first one. A time counts when the batch was alone, and it was refused or something has
// arrived since the time before: of several, only one may be at fault. What has arrived at
// any time is not lost.
func (c *courier) refuse(p *parcel, v verdict, a *answer, alone bool) {
	t, before := c.tries[p.letter]
	switch {
	case v == later:
		p.again(c)
		return
	case !before:
		t = tries{first: c.exported, last: c.exported, lost: p.stamp.came}
	}
	if alone {
		if v == refused || c.exported > t.last {
			t.n, t.last = t.n+1, c.exported
		}
		lost := t.lost.least(&a.lost)
		if a.exported { // or what is not lost may be what there was nothing to do with
			t.lost = lost
		}
		switch {
		case t.lost == (units{}):
			c.settle(p, &lost)
			c.arrived(p)
			return
		case t.n >= maxTries && c.exported > t.first:
			c.settle(p, &lost)
			return
		}
	}
	c.tries[p.letter] = t
	p.again(c)
}

// arrived notes that a batch is delivered. If it was refused before, when it was alone too,
// a refusal says nothing of what is refused, and those of the others count no more.
func (c *courier) arrived(p *parcel) {
	if c.tries[p.letter].n == 0 {
		return
	}
	for l, t := range c.tries {
		t.n = 0
		c.tries[l] = t
	}
}

// again has a batch sent again.
func (p *parcel) again(c *courier) {
	p.failed = true
	c.failed++
}

// giveUp counts a batch as one that cannot be exported.
func (p *parcel) giveUp() {
	p.answered, p.failed = true, false
	p.outcome = outcome{lost: p.events, holds: p.stamp.holds}
}

// pop lets go of the batches at the front that need not be sent again, and returns
// them. The courier is locked.
func (c *courier) pop() (acks []letter) {
	for len(acks) < len(c.sent) && c.sent[len(acks)].answered {
		p := &c.sent[len(acks)]
		acks = append(acks, p.letter)
		delete(c.done, p.letter)
		delete(c.tries, p.letter)
		if p.epoch != c.epoch {
			c.replay.failed += p.outcome.lost
			c.replay.ignored += p.outcome.ignored
			c.replay.delivered += p.events - p.outcome.lost - p.outcome.ignored
			continue
		}
		c.finish()
		missing := reasonNone
		if p.stamp.before.events > c.queue.settledTo() {
			missing = c.whyMissing()
		}
		c.queue.settleStored(p.seq, &p.stamp, &p.outcome, missing)
	}
	c.sent = append(c.sent[:0], c.sent[len(acks):]...)
	c.good += uint64(len(acks))
	if len(acks) > 0 && len(c.done)+len(c.tries) > 2*maxUnacked { // of some that will never come again
		to := acks[len(acks)-1]
		maps.DeleteFunc(c.done, func(l letter, _ outcome) bool { return l.epoch == to.epoch && l.seq <= to.seq })
		maps.DeleteFunc(c.tries, func(l letter, _ tries) bool { return l.epoch == to.epoch && l.seq <= to.seq })
	}
	return acks
}

// acknowledge tells the spool, which may take its time.
func (c *courier) acknowledge(list []letter) {
	for i, l := range list {
		if i+1 < len(list) && list[i+1].epoch == l.epoch {
			continue // the next one says it too
		}
		c.spool.Ack(l.epoch, l.seq)
	}
}
