package spool

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

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
