package pluginhost

// disk is the part of a ledger that is about batches in a spool. What waits there is
// only counted, so that a backlog takes no memory.
type disk struct {
	handled uint64 // events that were stored or refused
	kept    int64  // events that are stored and not settled; below 0 for those settled before they are known here
	last    mark   // the last batch that was stored
	settled mark   // the last batch whose fate is known
	refused []refusal
	changed chan struct{} // something was handled
}

// refusal is of events whose turn to be settled comes behind a batch.
type refusal struct{ after, events uint64 }

// outgoing is a batch on its way to the spool.
type outgoing struct {
	batch

	stamp    stamp
	estimate int64  // what its events were queued for
	told     uint64 // what the batches before it have told of
}

// stored notes what became of batches that were given to the spool: those up to
// number seq were accepted, the others refused. It is false when the ledger was
// closed, and the batches already counted.
func (q *queue) stored(list []outgoing, seq uint64, why reason) bool {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	d := &l.disk
	for i := range list {
		o := &list[i]
		q.used.Add(-o.estimate)
		events := uint64(o.events)
		l.inFlight -= events
		l.flying.sub(&o.holds)
		d.handled += events
		lost := o.lost
		if lost == reasonNone && o.seq > seq {
			lost = why
		}
		if lost == reasonNone {
			d.kept += int64(events)
			d.last = o.stamp.after(o.seq)
			continue
		}
		l.dropped[lost] += events
		l.lost[lost].add(&o.holds)
		if n := len(d.refused); n > 0 && d.refused[n-1].after == d.last.seq {
			d.refused[n-1].events += events
		} else {
			d.refused = append(d.refused, refusal{d.last.seq, events})
		}
	}
	l.turn()
	signal(d.changed)
	return true
}

// turn settles refused events whose turn has come. The ledger is locked.
func (l *ledger) turn() {
	d := &l.disk
	n := 0
	for n < len(d.refused) && d.refused[n].after <= d.settled.seq {
		l.settled += d.refused[n].events
		n++
	}
	d.refused = append(d.refused[:0], d.refused[n:]...)
	l.notify()
}

// storedAll reports whether so many events were stored or refused.
func (q *queue) storedAll(target uint64) bool {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	return q.ledger.closed || q.ledger.disk.handled >= target
}

// storedTo returns the last batch that was stored.
func (q *queue) storedTo() mark {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	return q.ledger.disk.last
}

// settledTo returns how many stored events are settled.
func (q *queue) settledTo() uint64 {
	q.ledger.mu.Lock()
	defer q.ledger.mu.Unlock()
	return q.ledger.disk.settled.events
}

// settleStored notes the fate of the next batch that came from the spool, and of
// those missing before it, for a reason.
func (q *queue) settleStored(seq uint64, s *stamp, out *outcome, missing reason) {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	events := s.events()
	// An answer may come after Shutdown has counted what is kept; it counts all the same.
	if l.closed && int64(s.before.events-l.disk.settled.events+events) > l.disk.kept {
		return
	}
	l.missing(s.before, missing)
	l.disk.kept -= int64(events)
	l.disk.settled = s.after(seq)
	l.settled += events
	l.dropped[reasonExportFailed] += out.lost
	l.lost[reasonExportFailed].add(&out.holds)
	l.delivered += events - out.lost
	l.turn()
}

// settleMissing notes that nothing came from the spool up to a batch that was stored.
func (q *queue) settleMissing(to mark, why reason) {
	l := &q.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || to.seq <= l.disk.settled.seq {
		return
	}
	l.missing(to, why)
	l.disk.settled = to
	l.turn()
}

// missing counts what is between the last batch that is settled and another place.
// The ledger is locked.
func (l *ledger) missing(to mark, why reason) {
	n := to.events - l.disk.settled.events
	if n == 0 {
		return
	}
	to.holds.sub(&l.disk.settled.holds)
	l.disk.kept -= int64(n)
	l.settled += n
	l.dropped[why] += n
	l.lost[why].add(&to.holds)
}
