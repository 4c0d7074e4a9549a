package spool

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"slices"
)

// Reader reads what is not acknowledged, in order: what other processes have left,
// the oldest first, and then what is appended here. It belongs to one goroutine.
// Close it when it is not needed any more.
type Reader struct {
	spool *Spool

	order  int    // of the log
	number int    // of the segment in it
	at     int64  // in the segment
	last   uint64 // the last number that was read in the log

	f       file // the segment
	segment *segment
}

// NewReader returns a reader that begins with the first batch that is not
// acknowledged. There may be several, each for itself.
func (s *Spool) NewReader() *Reader { return &Reader{spool: s} }

// Close lets go of the segment that is open.
func (r *Reader) Close() {
	if r.f != nil {
		_ = r.f.Close()
		r.f, r.segment = nil, nil
	}
}

// Next returns the next batch, and false when there is none by now: see
// [Spool.More]. Batches that are damaged are passed over and counted. After an error,
// such as too many open files, the next call tries again at the same place; wait
// a little before it.
func (r *Reader) Next() (Batch, bool, error) {
	for {
		g, end, acked, active := r.place()
		if g == nil {
			r.Close()
			return Batch{}, false, nil
		}
		b, ok, err := r.read(g, end, acked)
		if r.at >= end && !active {
			r.Close() // an open file takes its space when it is removed, too
		}
		if err != nil {
			return Batch{}, false, fmt.Errorf("spool %s: %w", r.spool.dir, err)
		}
		if ok {
			return b, true, nil
		}
	}
}

// place finds the segment in which there is more to read; nil when there is none.
func (r *Reader) place() (g *segment, end int64, acked uint64, active bool) {
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		if l.order < r.order {
			continue
		}
		if l.order > r.order {
			r.order, r.number, r.at, r.last = l.order, 0, 0, 0
		}
		for _, g := range l.segments {
			if g.number < r.number {
				continue
			}
			if g.number > r.number {
				r.number, r.at = g.number, 0
			}
			if r.at < g.end {
				return g, g.end, l.acked, g.active
			}
		}
	}
	return nil, 0, 0, false
}

// read takes one step in a segment. It is false when that was over something that is
// not to be returned.
func (r *Reader) read(g *segment, end int64, acked uint64) (Batch, bool, error) {
	if r.segment != g {
		r.Close()
		f, err := r.spool.files.open(g.name())
		if err != nil {
			return Batch{}, false, r.missing(g, end, err)
		}
		r.f, r.segment = f, g
	}
	h, err := find(r.f, g.log.seed, r.at, end)
	if unreadable(err) {
		r.pass(end, math.MaxUint64, g.log.isOwn()) // of another log it is counted already
		return Batch{}, false, nil
	}
	if err != nil {
		return Batch{}, false, err
	}
	if h.at > r.at {
		r.pass(h.at, 0, g.log.isOwn())
	}
	if h.seq <= acked || h.seq <= r.last || h.seq >= g.until {
		r.at = h.end()
		return Batch{}, false, nil
	}
	data := make([]byte, h.length)
	err = readFull(r.f, data, h.at+headSize)
	if unreadable(err) || err == nil && crc32.Checksum(data, castagnoli) != h.sum {
		r.pass(h.end(), h.seq, true)
		return Batch{}, false, nil
	}
	if err != nil {
		return Batch{}, false, err
	}
	r.at, r.last = h.end(), h.seq
	return Batch{Epoch: g.log.epoch, Seq: h.seq, Events: int(h.events), Data: data}, true, nil
}

// missing passes over a segment that is not there.
func (r *Reader) missing(g *segment, end int64, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.segment = g
	r.spool.mu.Lock()
	listed := slices.Contains(g.log.segments, g)
	r.spool.mu.Unlock()
	r.pass(end, math.MaxUint64, listed)
	r.segment = nil
	return nil
}

// pass goes on behind damage, which reaches to the number seq if not 0, and counts it
// if nobody has. Nobody waits for the acknowledgement of what nobody can read.
func (r *Reader) pass(to int64, seq uint64, damage bool) {
	s, g := r.spool, r.segment
	s.mu.Lock()
	if damage && to > g.checked {
		s.stats.Damaged++
		g.checked = to
	}
	r.at = to
	last := seq >= g.last
	if last {
		g.last = min(g.last, r.last)
	}
	s.mu.Unlock()
	if last {
		s.Ack(g.log.epoch, 0) // it may have been the last that was waited for
	}
}
