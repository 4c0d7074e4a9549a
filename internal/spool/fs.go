package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// files is what a spool needs of a file system. Names are relative to the spool's
// directory, with slashes. Tests have one that fails and crashes.
type files interface {
	mkdir(name string) error
	// create makes a file that is not there.
	create(name string) (file, error)
	// open opens a file that is there, unless it is not certainly one of ours.
	open(name string) (file, error)
	// list returns the names in a directory, in order; those of directories end
	// with a slash.
	list(name string) ([]string, error)
	remove(name string) error
	syncDir(name string) error
	// lock makes a file if it is not there, and locks it until it is closed. It
	// returns errLocked if somebody has.
	lock(name string) (io.Closer, error)
	close() error
}

type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// sync returns when the data and the length of the file are on the disk.
	sync() error
	truncate(size int64) error
	info() (size int64, written time.Time, err error)
}

var errLocked = errors.New("it is in use")

// disk is a directory of the system.
type disk struct{ root *os.Root }

// openDisk opens a directory, and makes it if there is none, to stay.
func openDisk(dir string) (files, error) {
	if err := makeDir(filepath.Clean(dir)); err != nil {
		return nil, err
	}
	root, err := private.OpenDir(dir, private.NoReaders)
	if err != nil {
		return nil, err
	}
	return disk{root}, nil
}

// makeDir makes a directory, and those above it, so that they survive a power
// failure.
func makeDir(dir string) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) { //nolint:gosec // the caller says where
		return nil // opening it says it better
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := makeDir(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as above
		return err
	}
	root, err := os.OpenRoot(above)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return private.SyncDir(root, ".")
}

func (d disk) mkdir(name string) error { return d.root.Mkdir(name, 0o700) }

func (d disk) create(name string) (file, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (d disk) open(name string) (file, error) {
	f, err := private.OpenFile(d.root, name, os.O_RDWR)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(d.root.Name(), name), Err: err}
	}
	return diskFile{f}, nil
}

func (d disk) list(name string) ([]string, error) {
	info, err := d.root.Lstat(name)
	if err == nil {
		err = private.CheckDir(info, private.NoReaders)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(d.root.Name(), name), Err: err}
	}
	entries, err := fs.ReadDir(d.root.FS(), name)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
		if e.IsDir() {
			names[i] += "/"
		}
	}
	return names, err
}

func (d disk) remove(name string) error { return d.root.Remove(name) }

func (d disk) syncDir(name string) error { return private.SyncDir(d.root, name) }

func (d disk) lock(name string) (io.Closer, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		f, err = private.OpenFile(d.root, name, os.O_RDWR)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: filepath.Join(d.root.Name(), name), Err: err}
	}
	ok, err := private.TryLock(f)
	if err == nil && !ok {
		err = errLocked
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (d disk) close() error { return d.root.Close() }

type diskFile struct{ *os.File }

func (f diskFile) sync() error { return private.Sync(f.File) }

func (f diskFile) truncate(size int64) error { return f.Truncate(size) }

func (f diskFile) info() (int64, time.Time, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, time.Time{}, err
	}
	return info.Size(), info.ModTime(), nil
}
