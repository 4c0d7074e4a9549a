package pluginhost

import (
	"maps"
	"time"
)

// ack notes an acknowledgement: that all is delivered, or how much is not, and whether
// that is news. It is not ok when there was no such batch.
func (c *courier) ack(epoch, seq uint64, lost units) (news, ok bool) {
	c.mu.Lock()
	if epoch == c.last.epoch && seq > c.last.seq {
		c.mu.Unlock()
		return false, false
	}
	list := c.upTo(epoch, seq)
	news = len(list) > 0 // before they are let go of
	c.answer(list, lost)
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

// answer notes what became of batches. The courier is locked.
func (c *courier) answer(list []*parcel, lost units) {
	if len(list) == 0 {
		return
	}
	c.pending -= len(list)
	var came units
	for _, p := range list {
		came.add(&p.stamp.came)
	}
	errorType := ""
	if lost != (units{}) {
		errorType = exportFailed
	}
	nothing := lost.cover(&came)
	if c.failing = nothing; nothing {
		c.retry = time.Now().Add(c.pause)
	} else {
		c.good++
		c.retry = time.Time{}
	}
	for _, p := range list {
		c.queue.calls.add("Stream", errorType, time.Since(p.at))
		if nothing {
			c.refuse(p)
			continue
		}
		p.answered = true
		b := batch{came: p.stamp.came, holds: p.stamp.holds}
		p.outcome.lost = b.blame(&lost, &p.outcome.holds)
	}
}

// cover reports whether u is at least all of what came.
func (u *units) cover(came *units) bool {
	for i, n := range came {
		if u[i] < n {
			return false
		}
	}
	return true
}

// refuse notes that nothing of a batch could be exported. It is tried again, unless
// others were exported since it was tried the first time: then the fault is its own.
func (c *courier) refuse(p *parcel) {
	t, before := c.tries[p.letter]
	if !before {
		t.good = c.good
	}
	if t.n++; t.n >= maxTries && c.good > t.good {
		p.giveUp()
		return
	}
	c.tries[p.letter] = t
	p.failed = true
}

// giveUp counts a batch as one that cannot be exported.
func (p *parcel) giveUp() {
	p.answered, p.failed = true, false
	p.outcome = outcome{p.events, p.stamp.holds}
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
			c.replay.delivered += p.events - p.outcome.lost
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
