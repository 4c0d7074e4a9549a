package runs

import (
	"crypto/sha256"
	"strconv"
)

// scope stands for a kind and path. It is long enough that two of them do not
// meet, and it takes the same room however long a path is.
type scope [16]byte

func scopeOf(kind, path string) scope {
	b := make([]byte, 0, 128)
	b = strconv.AppendInt(b, int64(len(kind)), 10)
	b = append(b, ':')
	b = append(b, kind...)
	b = append(b, path...)
	sum := sha256.Sum256(b)
	return scope(sum[:16])
}

// notKept stands in an index for a success without outputs.
const notKept = -1

// index says where the last successful record of each scope begins.
type index map[scope]int64

func (x index) add(kind, path, status string, kept bool, at int64) {
	if !finished(status) {
		return
	}
	if !kept {
		at = notKept
	}
	x[scopeOf(kind, path)] = at
}
