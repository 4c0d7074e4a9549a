package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"slices"
)

// ackSize is the size of the file that says what is acknowledged: a number, and
// CRC-32C of the epoch and the number. It is written in place and not waited for: an
// old number, or none, has batches come again, and none be missing.
const ackSize = 8 + 4

// Ack notes that all batches of an epoch up to a number need not be kept any longer.
// What it is told of others than those that were read is ignored. After a crash some
// of them may come again.
func (s *Spool) Ack(epoch, seq uint64) {
	s.acking.Lock()
	defer s.acking.Unlock()
	s.mu.Lock()
	i := slices.IndexFunc(s.logs, func(l *log) bool { return l.epoch == epoch })
	if i < 0 {
		s.mu.Unlock()
		return
	}
	l := s.logs[i]
	seq = min(seq, l.last)
	news := seq > l.acked
	if news {
		l.acked = seq
	}
	done := !l.isOwn() && l.settled()
	if done {
		s.logs = slices.Delete(s.logs, i, i+1)
		for _, g := range l.segments {
			s.bytes -= g.size
		}
	}
	s.mu.Unlock()
	if done {
		s.discard(l)
		return
	}
	if news {
		s.noteAcked(l, seq)
	}
	s.releaseAcked(l)
}

// releaseAcked removes the segments at the front of a log that nobody needs.
func (s *Spool) releaseAcked(l *log) {
	s.mu.Lock()
	n := 0
	for n < len(l.segments) && !l.segments[n].active && l.segments[n].last <= l.acked {
		s.bytes -= l.segments[n].size
		n++
	}
	gone := slices.Clone(l.segments[:n])
	l.segments = slices.Delete(l.segments, 0, n)
	s.mu.Unlock()
	for _, g := range gone {
		_ = s.files.remove(g.name())
	}
}

// noteAcked writes down what is acknowledged.
func (s *Spool) noteAcked(l *log, seq uint64) {
	if l.ackFile == nil {
		name := l.name + "/" + ackedName
		f, err := s.files.create(name)
		if errors.Is(err, fs.ErrExist) {
			f, err = s.files.open(name)
		}
		if err != nil {
			return
		}
		l.ackFile = f
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, ackSize), seq)
	b = binary.BigEndian.AppendUint32(b, crc32.Update(l.seed, castagnoli, b))
	_, _ = l.ackFile.WriteAt(b, 0)
}

// readAcked returns what noteAcked has written; 0 if that is not there or damaged.
func (s *Spool) readAcked(l *log) uint64 {
	f, err := s.files.open(l.name + "/" + ackedName)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	var b [ackSize]byte
	if readFull(f, b[:], 0) != nil || binary.BigEndian.Uint32(b[8:]) != crc32.Update(l.seed, castagnoli, b[:8]) {
		return 0
	}
	return binary.BigEndian.Uint64(b[:])
}
