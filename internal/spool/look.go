package spool

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// Left is what one process keeps in a spool, or has left there.
type Left struct {
	// InUse says that the process is there.
	InUse bool
	// Waiting is what nobody has acknowledged. It may be too high while the process
	// goes on.
	Waiting Count
	// Bytes is what the log takes on the disk.
	Bytes int64
	// Since is when it was begun.
	Since time.Time
	// Err is why it cannot be read.
	Err error
}

// Exists reports whether there is a spool in a directory, with something in it or not.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, lockName))
	return err == nil
}

// Look returns what is in the spool of a directory, the oldest first. It changes and
// keeps nothing. A directory that is not there is an error of fs.ErrNotExist; one that
// Open would refuse, is refused.
func Look(dir string) ([]Left, error) {
	if _, err := os.Lstat(dir); err != nil {
		return nil, err
	}
	root, err := private.OpenDir(dir, private.NoReaders)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	s := &Spool{dir: dir, files: disk{root}}
	names, err := s.files.list(".")
	if err != nil {
		return nil, err
	}
	var list []Left
	for _, name := range names {
		name, isDir := strings.CutSuffix(name, "/")
		epoch, ok := parseLogName(name)
		if !ok || !isDir {
			continue
		}
		left := s.look(root, &log{name: name, epoch: epoch, seed: seedOf(epoch)})
		at, _, _ := strings.Cut(strings.TrimPrefix(name, logPrefix), "-")
		left.Since, _ = time.Parse(timeFormat, at)
		if errors.Is(left.Err, fs.ErrNotExist) {
			continue // sent and removed meanwhile
		}
		list = append(list, left)
	}
	return list, nil
}

// look counts what is in a log.
func (s *Spool) look(root *os.Root, l *log) (left Left) {
	lock, err := private.OpenFile(root, l.name+"/"+lockName, os.O_RDWR)
	if err != nil {
		return Left{Err: err}
	}
	left.InUse = private.Locked(lock)
	_ = lock.Close()
	names, err := s.files.list(l.name)
	if err != nil {
		return Left{Err: err}
	}
	l.acked = s.readAcked(l)
	until := uint64(math.MaxUint64)
	for _, name := range slices.Backward(names) {
		number, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		g := &segment{log: l, number: number, until: until}
		first, err := s.scan(g, l.acked, &left.Waiting, &Stats{})
		if err != nil {
			left.Err = err
			return left
		}
		if first > 0 {
			until = min(until, first)
		}
		left.Bytes += g.size
	}
	return left
}
