package spool

import (
	"errors"
	"fmt"
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
