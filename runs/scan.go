package runs

import (
	"bytes"
	"errors"
	"io"
)

// scanBuffer is how much a scanner reads at once, unless a line is longer.
const scanBuffer = 256 << 10

// mostDamage is how much of a file may be damaged for those to whom it is not
// important, in bytes that were looked at.
const mostDamage = 1 << 20

var (
	errSpent   = errors.New("the rest of the file is read another time")
	errDamaged = errors.New("too much of the file is damaged")
)

// scanner finds the intact lines of a file.
type scanner struct {
	from io.ReaderAt
	size int64
	seed uint32

	pos     int64 // end of the last line, intact or not
	damaged int   // stretches of damaged lines
	inside  bool  // such a stretch

	// budget is how many bytes may be looked at before errSpent; nil for all. More
	// than mostDamage of them in damaged lines are errDamaged then.
	budget *int64
	wasted int64

	buf []byte // what stands at off
	off int64
}

// next returns the next intact line and where it starts. At the end of the file
// it returns io.EOF; a tail without line feed stands behind pos then. The
// payload is valid until the next call.
func (s *scanner) next() (at int64, sum uint32, payload []byte, err error) {
	for s.pos < s.size {
		at = s.pos
		sum, payload, ok, err := s.line()
		if ok || err != nil {
			return at, sum, payload, err
		}
		if whole, err := s.skip(); err != nil {
			return 0, 0, nil, err
		} else if !whole {
			break
		}
		if !s.inside {
			s.damaged++
		}
		s.inside = true
	}
	return 0, 0, nil, io.EOF
}

// line returns the line at pos and moves behind it, if it is intact.
func (s *scanner) line() (sum uint32, payload []byte, ok bool, err error) {
	if s.budget != nil && *s.budget <= 0 {
		return 0, nil, false, errSpent
	}
	line, err := s.window(prefixLen)
	if err != nil {
		return 0, nil, false, err
	}
	_, size, ok := readPrefix(line)
	if !ok {
		return 0, nil, false, nil
	}
	if line, err = s.window(prefixLen + size + 1); err != nil {
		return 0, nil, false, err
	}
	looked := int64(min(prefixLen+size+1, len(line)))
	if sum, payload, ok = readLine(s.seed, line); !ok {
		return 0, nil, false, s.waste(looked)
	}
	s.spend(looked + lineCost)
	s.pos += int64(prefixLen + size + 1)
	s.inside = false
	return sum, payload, true, nil
}

// lineCost is what it costs to decode a line, in bytes that only pass.
const lineCost = 512

func (s *scanner) spend(n int64) {
	if s.budget != nil {
		*s.budget -= n
	}
}

// waste spends bytes on what is damaged.
func (s *scanner) waste(n int64) error {
	s.spend(n)
	s.wasted += n
	if s.budget != nil && s.wasted > mostDamage {
		return errDamaged
	}
	return nil
}

// skip moves behind the next line feed, or returns false where none is left.
func (s *scanner) skip() (bool, error) {
	start := s.pos
	for s.pos < s.size {
		rest, err := s.window(1)
		if err != nil {
			return false, err
		}
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			s.pos += int64(i) + 1
			return true, s.waste(int64(i) + 1)
		}
		s.pos += int64(len(rest))
		if err := s.waste(int64(len(rest))); err != nil {
			return false, err
		}
	}
	s.pos = start
	return false, nil
}

// window returns at least n bytes from pos on, or what is left of the file.
func (s *scanner) window(n int) ([]byte, error) {
	n = int(min(int64(n), s.size-s.pos))
	have := s.off + int64(len(s.buf)) - s.pos
	if s.pos < s.off || have < 0 {
		s.buf, s.off, have = s.buf[:0], s.pos, 0
	}
	if have >= int64(n) {
		return s.buf[s.pos-s.off:], nil
	}
	rest := s.buf[s.pos-s.off:]
	if to := max(n, scanBuffer); to > cap(s.buf) {
		rest = append(make([]byte, 0, to), rest...)
	} else {
		rest = s.buf[:copy(s.buf[:cap(s.buf)], rest)]
	}
	s.off = s.pos
	to := int(min(int64(cap(rest)), s.size-s.pos))
	read, err := s.from.ReadAt(rest[len(rest):to], s.pos+int64(len(rest)))
	s.buf = rest[:len(rest)+read]
	if len(s.buf) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the file became shorter
		}
		return nil, err
	}
	return s.buf, nil
}
