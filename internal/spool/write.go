package spool

import (
	"errors"
	"io/fs"
	"math"
	"time"
)

// write writes batches to the end of a segment, and returns when the disk has them.
// When it fails, the segment has ended.
func (s *Spool) write(batches []Batch) error {
	if s.active == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	g := s.current()
	end, err := s.put(g, batches)
	if err == nil {
		err = s.active.sync()
	}
	if err != nil {
		s.abandon(g, end)
		return err
	}
	last := batches[len(batches)-1].Seq
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += end - g.size
	g.size, g.end, g.last, g.written = end, end, last, time.Now()
	g.log.last = last
	return nil
}

// put writes batches behind what a segment has, and returns where they end.
func (s *Spool) put(g *segment, batches []Batch) (int64, error) {
	const piece = 256 << 10 // small batches share a call
	at := g.end
	buf := s.buf[:0]
	flush := func() error {
		n, err := s.active.WriteAt(buf, at)
		at += int64(n)
		buf = buf[:0]
		return err
	}
	for _, b := range batches {
		buf = appendHead(buf, g.log.seed, b)
		buf = append(buf, b.Data...)
		if len(buf) < piece {
			continue
		}
		if err := flush(); err != nil {
			return at, err
		}
	}
	var err error
	if len(buf) > 0 {
		err = flush()
	}
	if cap(buf) <= 2*piece {
		s.buf = buf
	}
	return at, err
}

// abandon ends the segment that is written to after it has failed: nothing is written
// to it again. What stands behind its end was refused.
func (s *Spool) abandon(g *segment, size int64) {
	if s.active.truncate(g.end) == nil {
		size = g.end
	}
	empty := g.end == 0 && s.removed(g.name())
	s.mu.Lock()
	if empty {
		g.log.segments = g.log.segments[:len(g.log.segments)-1]
		size = 0
	} else {
		g.active = false
	}
	s.bytes += size - g.size
	g.size = size
	s.mu.Unlock()
	_ = s.active.Close()
	s.active = nil
	s.releaseAcked(s.own)
}

// begin begins a segment, in a log of its own if it is the first one.
func (s *Spool) begin() error {
	if s.own == nil {
		if err := s.alone(s.beginLog); err != nil {
			return err
		}
	}
	s.expire()
	g := &segment{log: s.own, number: s.nextNumber(), until: math.MaxUint64, written: time.Now(), active: true}
	f, err := s.files.create(g.name())
	if err != nil {
		return err
	}
	if err := s.files.syncDir(g.log.name); err != nil {
		_ = f.Close()
		_ = s.files.remove(g.name())
		return err
	}
	s.active = f
	s.mu.Lock()
	defer s.mu.Unlock()
	g.log.segments = append(g.log.segments, g)
	return nil
}

// nextNumber returns a number that no segment of the own log has had.
func (s *Spool) nextNumber() int {
	s.number++
	return s.number
}

// beginLog makes the directory of this process.
func (s *Spool) beginLog() error {
	l := &log{name: logName(time.Now(), s.epoch), order: ownOrder, epoch: s.epoch, seed: seedOf(s.epoch)}
	if err := s.files.mkdir(l.name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	var err error
	if l.lock, err = s.files.lock(l.name + "/" + lockName); err != nil {
		_ = s.files.remove(l.name)
		return err
	}
	if err := s.files.syncDir("."); err != nil {
		s.discard(l)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = l
	s.logs = append(s.logs, l)
	return nil
}
