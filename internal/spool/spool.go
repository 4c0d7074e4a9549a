package spool

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// Config says what a spool may keep. The zero value works.
type Config struct {
	// MaxBytes is the most that a process keeps on the disk, with what it has taken
	// over from others. Above it new batches are refused, never old ones removed.
	// What is acknowledged counts until its whole segment is. Defaults to 1 GiB.
	MaxBytes int64
	// MaxAge is how long a batch is kept. Segments that were last written to longer
	// ago are removed and counted, at Open and whenever a segment is begun. Defaults
	// to 7 days.
	MaxAge time.Duration
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.MaxBytes < 0:
		return c, fmt.Errorf("MaxBytes is %d; it may not be negative", c.MaxBytes)
	case c.MaxAge < 0:
		return c, fmt.Errorf("MaxAge is %s; it may not be negative", c.MaxAge)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 1 << 30
	}
	if c.MaxAge == 0 {
		c.MaxAge = 7 * 24 * time.Hour
	}
	return c, nil
}

// Batch is what a spool keeps. It does not look into Data.
type Batch struct {
	Epoch  uint64 // of the process that appended it
	Seq    uint64 // its number in the epoch, from 1
	Events int    // how many events it stands for
	Data   []byte
}

// Count is a number of batches, and of the events in them.
type Count struct{ Batches, Events uint64 }

func (c *Count) add(events int) {
	c.Batches++
	c.Events += uint64(events)
}

// Stats is what a spool holds and what became of its batches, at one moment.
type Stats struct {
	// Bytes is what counts for MaxBytes.
	Bytes int64
	// Adopted is what earlier processes had left unacknowledged at Open, with what has
	// expired since.
	Adopted Count
	// Appended is what was accepted, and Refused what was not, for want of room or
	// because the disk failed.
	Appended, Refused Count
	// Expired was removed unacknowledged because of its age.
	Expired Count
	// Damaged counts the places where something was lost to damage, a batch as a rule.
	Damaged uint64
	// Torn counts segments that end in the middle of a batch, as a crash leaves them.
	// Nobody was told that such a batch is kept.
	Torn uint64
	// Failures counts failed writes and syncs. Each has ended a segment.
	Failures uint64
}

const (
	// maxSegment is the size at which a segment is ended.
	maxSegment = 8 << 20
	// maxAdopted bounds the files that are open for locks. The rest waits for another
	// start.
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
	bytes    int64
	stats    Stats
	problems []error
	closed   bool
}

// log is the directory of one process.
type log struct {
	name  string
	order int // in which logs are read
	epoch uint64
	seed  uint32
	lock  io.Closer

	segments []*segment // the oldest first
	last     uint64     // the last number
	acked    uint64     // everything up to this number is acknowledged
	ackFile  file       // guarded by acking
}

// ownOrder is that of a spool's own log: behind all others.
const ownOrder = math.MaxInt

func (l *log) isOwn() bool { return l.order == ownOrder }

// segment is a file of a log.
type segment struct {
	log     *log
	number  int
	size    int64     // what it takes on the disk
	end     int64     // of what may be read
	last    uint64    // the last number in it; 0 without any
	until   uint64    // from this number on its frames are void: the next segment has them
	written time.Time // last
	active  bool
	checked int64 // up to here damage was counted
}

func (s *segment) name() string { return fmt.Sprintf("%s/%08d%s", s.log.name, s.number, suffix) }

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
		segment: min(maxSegment, c.MaxBytes/16), more: make(chan struct{}, 1),
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

// Problems returns what Open has found in the directory and left as it is, for
// people: such as a file with the wrong owner.
func (s *Spool) Problems() []error { return s.problems }

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

// settled reports whether everything in a log is acknowledged.
func (l *log) settled() bool {
	for _, g := range l.segments {
		if g.last > l.acked {
			return false
		}
	}
	return true
}

// release lets go of a log.
func (l *log) release() {
	if l.ackFile != nil {
		_ = l.ackFile.Close()
		l.ackFile = nil
	}
	_ = l.lock.Close()
}

// discard removes a log that has nothing for anybody. What cannot be removed keeps
// what was to follow: the lock is the last but one.
func (s *Spool) discard(l *log) {
	defer l.release()
	for _, g := range l.segments {
		if !s.removed(g.name()) {
			return
		}
	}
	_ = s.removed(l.name+"/"+ackedName) && s.removed(l.name+"/"+lockName) && s.removed(l.name)
}

// removed removes a file and reports whether it is gone.
func (s *Spool) removed(name string) bool {
	err := s.files.remove(name)
	return err == nil || errors.Is(err, os.ErrNotExist)
}
