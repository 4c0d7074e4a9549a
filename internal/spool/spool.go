package spool

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

const (
	// maxSegment is the size at which a segment is ended.
	maxSegment = 8 << 20
	// maxAdopted bounds the files that are open for locks. The rest is taken over when
	// these are done: see [Spool.Rest].
	maxAdopted = 256
	// pause is how long nothing is tried after the disk has failed, or was full.
	pause = 250 * time.Millisecond
)

// Spool keeps batches on the disk from Append until Ack. Its methods are safe for
// concurrent use.
type Spool struct {
	dir     string
	files   files
	epoch   uint64
	config  Config
	segment int64         // the size at which a segment is ended
	pause   time.Duration // after a failure
	more    chan struct{}

	// writing is held by the one that appends, and guards what follows.
	writing sync.Mutex
	active  file // the segment that is written to; nil when there is none
	number  int  // of the last segment that was begun
	buf     []byte
	failure error // why the disk is left alone until retry
	retry   time.Time

	// acking is held by the one that acknowledges. It is taken before mu.
	acking sync.Mutex

	mu       sync.Mutex
	logs     []*log // the oldest first
	own      *log   // the last of them; nil until something is appended
	orders   int    // of logs that were adopted
	bytes    int64
	stats    Stats
	found    map[uint64]uint64 // by epoch, how many events of others Open and Adopt have found
	problems []error
	rest     bool // of what others have left, more was there than may be taken over at once
	closed   bool
}

// Open opens the spool of one backend in a directory, which is made if there is none,
// and takes over what processes that are gone have left there. The batches that are
// appended belong to epoch, which must be random.
//
// The directory must be ours, and nobody else may have any permission for it. Damage
// in what was left never stops Open: see [Stats] and [Spool.Problems].
func Open(dir string, epoch uint64, c Config) (*Spool, error) {
	c, err := c.withDefaults()
	if err == nil && !private.CanLock {
		err = errors.New("this system has no locks for files, without which a spool cannot be shared")
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs // errors should say it all
	}
	var s *Spool
	if err == nil {
		var d files
		if d, err = openDisk(dir); err == nil {
			s, err = openIn(d, dir, epoch, c)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("spool %s: %w", dir, err)
	}
	return s, nil
}

// openIn opens a spool in a file system, which it closes.
func openIn(d files, dir string, epoch uint64, c Config) (*Spool, error) {
	s := &Spool{
		dir: dir, files: d, epoch: epoch, config: c, pause: pause,
		segment: min(maxSegment, c.MaxBytes/16), more: make(chan struct{}, 1), found: map[uint64]uint64{},
	}
	if err := s.alone(s.adopt); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.signal()
	return s, nil
}

// alone calls f while no other process makes or takes over a log.
func (s *Spool) alone(f func() error) error {
	const step, limit = 5 * time.Millisecond, 5 * time.Second
	for began := time.Now(); ; time.Sleep(step) {
		lock, err := s.files.lock(lockName)
		if err == nil {
			return errors.Join(f(), lock.Close())
		}
		if !errors.Is(err, errLocked) || time.Since(began) > limit {
			return err
		}
	}
}

// More returns a channel that receives when there may be more to read than before,
// and after Close. It serves one receiver.
func (s *Spool) More() <-chan struct{} { return s.more }

func (s *Spool) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Stats returns what the spool holds, and what became of the rest.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Bytes = s.bytes
	return st
}

// Found returns how many unacknowledged events of an epoch Open or Adopt has taken over;
// ok is false when it has not taken that epoch over.
func (s *Spool) Found(epoch uint64) (events uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, ok = s.found[epoch]
	return events, ok
}

// Problems returns what Open and Adopt have found in the directory and left as it is, for
// people: such as a file with the wrong owner.
func (s *Spool) Problems() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

func (s *Spool) count(n *uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

// Close ends the use of the spool. What is not acknowledged stays for the next
// process that opens it. A second Close does nothing.
func (s *Spool) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.acking.Lock()
	defer s.acking.Unlock()
	s.mu.Lock()
	logs, closed := s.logs, s.closed
	s.logs, s.own, s.closed = nil, nil, true
	s.mu.Unlock()
	if closed {
		return nil
	}
	if s.active != nil {
		_ = s.active.Close()
		s.active = nil
	}
	for _, l := range logs {
		if l.settled() {
			s.discard(l)
		} else {
			l.release()
		}
	}
	if err := s.files.close(); err != nil {
		return fmt.Errorf("spool %s: %w", s.dir, err)
	}
	s.signal()
	return nil
}
