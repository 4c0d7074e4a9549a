package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spanloom/spanloom/backend"
)

// file is a file of lines that is rotated: the oldest is removed, each of the others is
// renamed to the next older name, and an empty one is begun. Each step is one rename or
// one removal, so that a process that is killed at any point leaves whole files.
type file struct {
	dir  *os.Root // what is outside is out of reach, also by links
	name string
	max  int64
	keep int
	sync bool

	lock io.Closer // holds others off; nil before the first write

	now  *os.File // nil before the first write, and after a rotation that failed
	size int64
}

var (
	errOthers = errors.New("another program writes to this file; give each program a path of its own")
	errOurs   = errors.New("another backend of this program writes to this file; give each a path of its own")
)

// openFile opens the file that there is, or makes it, readable by nobody else. A line
// that a killed process has not written to its end is cut off: what was in it was never
// acknowledged, and comes again.
//
// The file is ours from the first write on: a reload ends a backend when its successor is
// ready. What keeps a write from succeeding is found now, but for that one.
func openFile(c config) (*file, error) {
	dir, err := os.OpenRoot(filepath.Dir(c.Path))
	if err != nil {
		return nil, fmt.Errorf("the directory of path: %w", err)
	}
	f := &file{dir: dir, name: filepath.Base(c.Path), max: c.MaxBytes, keep: c.Files, sync: c.Sync}
	switch err = f.take(); {
	case errors.Is(err, errOurs):
		return f, nil
	case errors.Is(err, errOthers):
		err = &backend.ConfigError{Key: "path", Message: errOthers.Error()}
	case err == nil:
		err = f.release()
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// take begins to write, unless somebody else does.
func (f *file) take() (err error) {
	if f.lock, err = lock(f.dir, f.name+".lock"); err != nil {
		f.lock = nil
		return err
	}
	return f.begin()
}

// patience is how long a backend waits for the one before it, which has to export what it
// has: longer than the shutdown_timeout of a program should be.
const patience = time.Minute

// await waits until the file is ours.
func (f *file) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for f.lock == nil {
		err := f.take()
		if !errors.Is(err, errOurs) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
	return nil
}

// begin opens the file that is written to.
func (f *file) begin() error {
	if info, err := f.dir.Lstat(f.name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.name)
	}
	now, err := f.dir.OpenFile(f.name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	size, err := whole(now)
	if err == nil {
		err = errors.Join(now.Chmod(0o600), now.Truncate(size), f.syncDir())
	}
	if err != nil {
		return errors.Join(err, now.Close())
	}
	f.now, f.size = now, size
	return nil
}

// whole returns where the last whole line of a file ends.
func whole(r *os.File) (int64, error) {
	end, err := r.Seek(0, io.SeekEnd)
	block := make([]byte, 64<<10)
	for err == nil && end > 0 {
		from := max(end-int64(len(block)), 0)
		var n int
		n, err = r.ReadAt(block[:end-from], from)
		if at := bytes.LastIndexByte(block[:n], '\n'); at >= 0 {
			return from + int64(at) + 1, nil
		}
		end = from
	}
	return 0, err
}

// write writes lines, each to the file in which it has room. When it returns nil they
// are on the disk, if that is asked for, and with the system otherwise.
func (f *file) write(ctx context.Context, lines [][]byte) error {
	if len(lines) == 0 {
		return nil
	}
	if err := f.await(ctx); err != nil {
		return err
	}
	if f.now == nil { // a rotation has failed
		if err := f.begin(); err != nil {
			return err
		}
	}
	var data []byte
	for _, line := range lines {
		if f.size+int64(len(data)) > 0 && f.size+int64(len(data)+len(line)) > f.max {
			if err := f.put(data); err != nil {
				return err
			}
			data = nil
			if err := f.rotate(); err != nil {
				return fmt.Errorf("rotate %s: %w", f.name, err)
			}
		}
		data = append(data, line...)
	}
	return f.put(data)
}

// put appends data to the file as it is. What could be written in part only is taken
// back, so that the next line begins where a line begins.
func (f *file) put(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	_, err := f.now.WriteAt(data, f.size)
	if err == nil && f.sync {
		err = f.now.Sync()
	}
	if err != nil {
		return errors.Join(err, f.now.Truncate(f.size))
	}
	f.size += int64(len(data))
	return nil
}

func (f *file) rotate() error {
	if err := f.now.Close(); err != nil {
		return err
	}
	f.now = nil
	older := func(n int) string {
		if n == 0 {
			return f.name
		}
		return f.name + "." + strconv.Itoa(n)
	}
	if err := f.dir.Remove(older(f.keep - 1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for n := f.keep - 1; n > 0; n-- {
		if err := f.dir.Rename(older(n-1), older(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return f.begin()
}

// syncDir has names survive the loss of power, where the system can.
func (f *file) syncDir() error {
	if !f.sync {
		return nil
	}
	dir, err := f.dir.Open(".")
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every system lets one
	return dir.Close()
}

// release lets others write.
func (f *file) release() error {
	var err error
	if f.now != nil {
		err = f.now.Close()
	}
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
	}
	f.now, f.lock = nil, nil
	return err
}

func (f *file) close() error { return errors.Join(f.release(), f.dir.Close()) }
