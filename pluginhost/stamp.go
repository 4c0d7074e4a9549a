package pluginhost

import (
	"encoding/binary"
	"errors"
)

// mark is how far the events of an epoch are counted: up to a batch.
type mark struct {
	seq    uint64
	events uint64 // up to here, ever
	holds  units  // of them
}

// stamp stands in the spool before a batch. It says what its loss means, and that of
// the batches before it: with it nothing has to be remembered of what is on the disk.
type stamp struct {
	came, holds units
	before      mark // all batches of the epoch before this one; its seq is not kept
}

// stampVersion is the first byte of a stamp.
const stampVersion = 1

// numbers is how many follow it.
const numbers = 3*len(units{}) + 1

func (s *stamp) append(b []byte) []byte {
	b = append(b, stampVersion)
	for _, list := range [...]*units{&s.came, &s.holds, &s.before.holds} {
		for _, n := range list {
			b = binary.AppendUvarint(b, n)
		}
	}
	return binary.AppendUvarint(b, s.before.events)
}

// maxStamp is the most bytes of a stamp.
const maxStamp = 1 + numbers*binary.MaxVarintLen64

// after is where the events are counted to with this batch.
func (s *stamp) after(seq uint64) mark {
	m := mark{seq: seq, events: s.before.events, holds: s.before.holds}
	for _, n := range s.came {
		m.events += n
	}
	m.holds.add(&s.holds)
	return m
}

// events is how many the batch has.
func (s *stamp) events() (n uint64) {
	for _, one := range s.came {
		n += one
	}
	return n
}

var errStamp = errors.New("it was written by another version")

// parseStamp returns the stamp, and the batch behind it.
func parseStamp(b []byte) (s stamp, batch []byte, err error) {
	if len(b) == 0 || b[0] != stampVersion {
		return stamp{}, nil, errStamp
	}
	b = b[1:]
	next := func() (v uint64) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			err, b = errStamp, nil
			return 0
		}
		b = b[n:]
		return v
	}
	for _, list := range [...]*units{&s.came, &s.holds, &s.before.holds} {
		for i := range list {
			list[i] = next()
		}
	}
	s.before.events = next()
	if err != nil {
		return stamp{}, nil, err
	}
	return s, b, nil
}
