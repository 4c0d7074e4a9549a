package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"syscall"
	"time"
)

// ErrFull is in the error of an Append that found no room: MaxBytes is reached, or
// the disk is full.
var ErrFull = errors.New("the spool is full")

// errBound is ErrFull because of MaxBytes.
var errBound = fmt.Errorf("%w: it has all the bytes that it may", ErrFull)

// Append keeps batches, in the order of their numbers, and returns how many: as many
// as have been given, or fewer and why. When it returns, those are on the disk and
// survive a power failure, and the rest is refused: their numbers are given again to
// what is appended next. Epochs are not looked at. Data is not kept.
//
// All batches of a call share one wait for the disk, mostly, so give what there is.
// After the disk has failed, calls are refused at once for a quarter of a second.
func (s *Spool) Append(batches ...Batch) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	n := 0
	err := s.check(batches)
	for err == nil && n < len(batches) {
		var kept int
		kept, err = s.commit(batches[n:])
		n += kept
	}
	s.mu.Lock()
	for i, b := range batches {
		if i < n {
			s.stats.Appended.add(b.Events)
		} else {
			s.stats.Refused.add(b.Events)
		}
	}
	s.mu.Unlock()
	if n > 0 {
		s.signal()
	}
	if err != nil {
		return n, fmt.Errorf("spool %s: %w", s.dir, err)
	}
	return n, nil
}

// check looks for mistakes of the caller.
func (s *Spool) check(batches []Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	last := uint64(0)
	if s.own != nil {
		last = s.own.last
	}
	for _, b := range batches {
		switch {
		case b.Seq <= last:
			return fmt.Errorf("batch %d after batch %d", b.Seq, last)
		case len(b.Data) > maxData:
			return fmt.Errorf("batch %d has %d bytes, and may have %d", b.Seq, len(b.Data), maxData)
		case b.Events < 0 || b.Events > math.MaxUint32:
			return fmt.Errorf("batch %d has %d events", b.Seq, b.Events)
		}
		last = b.Seq
	}
	return nil
}

// commit keeps as many of the first batches as share a segment. When that fails, they
// are written once more to a new one: what a disk has failed to keep it may show as
// if it were kept, and report as kept when it is asked again.
func (s *Spool) commit(batches []Batch) (int, error) {
	if s.failure != nil && time.Now().Before(s.retry) {
		return 0, s.failure
	}
	s.failure = nil
	n, err := s.fitting(batches)
	if err != nil {
		return 0, err
	}
	for range 2 {
		if err = s.write(batches[:n]); err == nil {
			return n, nil
		}
		s.count(&s.stats.Failures)
	}
	if noRoom(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.failure, s.retry = err, time.Now().Add(s.pause)
	return 0, err
}

// noRoom reports whether an error says that the disk has no room for more.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// fitting returns how many of the first batches go into one segment, and sees to it
// that the segment which is written to has room for them, or that there is none.
func (s *Spool) fitting(batches []Batch) (int, error) {
	g := s.current()
	first := sizeOf(batches[0])
	if g != nil && (g.end >= s.segment || s.room() < first && s.idle(g)) {
		s.finish()
		g = nil
	}
	room := s.room()
	if room < first {
		return 0, errBound
	}
	size := int64(0)
	if g != nil {
		size = g.end
	}
	n, sum := 0, int64(0)
	for _, b := range batches {
		if sum+sizeOf(b) > room || n > 0 && size+sum >= s.segment {
			break
		}
		sum += sizeOf(b)
		n++
	}
	return n, nil
}

func (s *Spool) room() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.MaxBytes - s.bytes
}

// current returns the segment that is written to.
func (s *Spool) current() *segment {
	if s.active == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own.segments[len(s.own.segments)-1]
}

// idle reports whether everything in a segment is acknowledged.
func (s *Spool) idle(g *segment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.last <= g.log.acked
}

// finish ends the segment that is written to.
func (s *Spool) finish() {
	_ = s.active.Close()
	s.active = nil
	s.mu.Lock()
	s.own.segments[len(s.own.segments)-1].active = false
	s.mu.Unlock()
	s.releaseAcked(s.own)
}

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
