package spool

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	lockName  = "lock"  // of the directory, and of each log in it
	ackedName = "acked" // of a log
	suffix    = ".seg"

	// A log is called by the version of the format, when it was made, and its epoch.
	logPrefix  = "v1-"
	timeFormat = "20060102T150405.000000000Z"
)

func logName(at time.Time, epoch uint64) string {
	return fmt.Sprintf("%s%s-%016x", logPrefix, at.UTC().Format(timeFormat), epoch)
}

func parseLogName(name string) (epoch uint64, ok bool) {
	rest, ok := strings.CutPrefix(name, logPrefix)
	at, hex, ok2 := strings.Cut(rest, "-")
	if _, err := time.Parse(timeFormat, at); !ok || !ok2 || err != nil || len(hex) != 16 {
		return 0, false
	}
	epoch, err := strconv.ParseUint(hex, 16, 64)
	return epoch, err == nil
}

func parseSegmentName(name string) (number int, ok bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	number, err := strconv.Atoi(digits)
	return number, ok && err == nil && number > 0
}

// Adopt takes over what others have left in the directory since Open, as Open does. A
// reader that is further on does not see it: make another.
func (s *Spool) Adopt() error {
	s.writing.Lock() // no log of our own is made meanwhile, and Close waits
	defer s.writing.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil
	}
	if err := s.alone(s.adopt); err != nil {
		return fmt.Errorf("spool %s: %w", s.dir, err)
	}
	s.signal()
	return nil
}

// Rest reports, once, that Adopt would take over more: there was too much to do so at
// once, and some of that is done.
func (s *Spool) Rest() bool {
	n := s.adopted()
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.rest && n < maxAdopted
	s.rest = s.rest && !rest
	return rest
}

// adopt takes over the logs that nobody has locked. What has another name stays as
// it is: it may be of a later version.
func (s *Spool) adopt() error {
	names, err := s.files.list(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		name, isDir := strings.CutSuffix(name, "/")
		epoch, ok := parseLogName(name)
		if !ok || !isDir || epoch == s.epoch && s.own != nil {
			continue
		}
		if s.adopted() == maxAdopted {
			s.mu.Lock()
			s.rest = true
			s.mu.Unlock()
			break
		}
		if epoch == s.epoch {
			return fmt.Errorf("another process has appended with the same epoch, %016x", epoch)
		}
		l := &log{name: name, order: s.orders, epoch: epoch, seed: seedOf(epoch)}
		s.orders++
		if err := s.load(l); err != nil && !errors.Is(err, errLocked) {
			s.mu.Lock()
			s.problems = append(s.problems, fmt.Errorf("spool %s: %s is left as it is: %w", s.dir, name, err))
			s.mu.Unlock()
		}
	}
	s.expire()
	return nil
}

// adopted is how many logs of others there are.
func (s *Spool) adopted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.logs)
	if s.own != nil {
		n--
	}
	return n
}

// load locks a log and looks at what it has.
func (s *Spool) load(l *log) error {
	names, err := s.files.list(l.name) // refuses what is not ours
	if err != nil {
		return err
	}
	if l.lock, err = s.files.lock(l.name + "/" + lockName); err != nil {
		return err
	}
	l.acked = s.readAcked(l)
	until, found := uint64(math.MaxUint64), Stats{}
	for _, name := range slices.Backward(names) {
		number, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		g := &segment{log: l, number: number, until: until}
		first, err := s.scan(g, l.acked, &found.Adopted, &found)
		if err != nil {
			l.release()
			return err
		}
		if first > 0 {
			until = min(until, first)
		}
		l.last = max(l.last, g.last)
		l.segments = append(l.segments, g)
	}
	slices.Reverse(l.segments)
	empty := l.settled()
	if empty {
		s.discard(l)
	}
	s.add(l, &found, empty)
	return nil
}

// add notes a log that was found, and, unless it is empty, puts it before our own.
func (s *Spool) add(l *log, found *Stats, empty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[l.epoch] = found.Adopted.Events
	s.stats.Adopted.Batches += found.Adopted.Batches
	s.stats.Adopted.Events += found.Adopted.Events
	s.stats.Damaged += found.Damaged
	s.stats.Torn += found.Torn
	if empty {
		return
	}
	for _, g := range l.segments {
		s.bytes += g.size
	}
	at := len(s.logs)
	if s.own != nil {
		at--
	}
	s.logs = slices.Insert(s.logs, at, l)
}

// scan looks at the heads in a segment, and returns the first number. It counts what
// is not acknowledged, and damage.
func (s *Spool) scan(g *segment, acked uint64, count *Count, stats *Stats) (first uint64, err error) {
	f, err := s.files.open(g.name())
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if g.size, g.written, err = f.info(); err != nil {
		return 0, err
	}
	at := int64(0)
	for {
		h, err := find(f, g.log.seed, at, g.size)
		if unreadable(err) {
			break
		}
		if err != nil {
			return 0, err
		}
		if h.at > at {
			stats.Damaged++
		}
		at = h.end()
		g.end = at
		if first == 0 {
			first = h.seq
		}
		if h.seq >= g.until {
			continue
		}
		g.last = max(g.last, h.seq)
		if h.seq > acked {
			count.add(int(h.events))
		}
	}
	if at < g.size {
		stats.Torn++
	}
	return first, nil
}

// unreadable reports whether an error of reading says that nothing is there, or not
// any more.
func unreadable(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) }

// expire removes segments that are too old.
func (s *Spool) expire() {
	type expired struct {
		*segment
		acked uint64
	}
	s.mu.Lock()
	var old []expired
	for _, l := range s.logs {
		l.segments = slices.DeleteFunc(l.segments, func(g *segment) bool {
			if g.active || time.Since(g.written) <= s.config.MaxAge {
				return false
			}
			s.bytes -= g.size
			old = append(old, expired{g, l.acked})
			return true
		})
	}
	s.mu.Unlock()
	for _, g := range old {
		var count Count
		_, _ = s.scan(&segment{log: g.log, number: g.number, until: g.until}, g.acked, &count, &Stats{})
		s.mu.Lock()
		s.stats.Expired.Batches += count.Batches
		s.stats.Expired.Events += count.Events
		if !g.log.isOwn() {
			s.stats.Stale.Batches += count.Batches
			s.stats.Stale.Events += count.Events
		}
		s.mu.Unlock()
		_ = s.files.remove(g.name())
	}
}
