package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// Options say how a directory keeps runs. The zero value works.
type Options struct {
	// Sync waits after each record until the disk has it, so that it survives a
	// power failure too. Appends then take as long as the disk does, some
	// milliseconds often, one after the other in each run. Defaults to false.
	Sync bool
}

// Dir is a directory of runs, a [Store]. Its methods are safe for concurrent
// use, and several processes may use the same directory.
type Dir struct {
	path    string // absolute, without links
	root    *os.Root
	options Options

	sweeping sync.Mutex
	swept    time.Time           // when it was last looked for crashed runs
	reading  map[string]*reading // what was not yet read to its end then
}

var _ Store = (*Dir)(nil)

// Open opens a directory of runs, and makes it if there is none. It refuses one
// that other users can write to, and one behind a link that another user has made.
// Close it when it is not needed any more; runs
// that are open then go on.
func Open(dir string, o Options) (*Dir, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = followed(path)
	}
	if err == nil {
		err = os.MkdirAll(path, 0o700) //nolint:gosec // the caller says where
	}
	if err != nil {
		return nil, fmt.Errorf("directory of runs: %w", err)
	}
	root, err := openRoot(path)
	if err != nil {
		return nil, fmt.Errorf("directory of runs: %w", err)
	}
	return &Dir{path: path, root: root, options: o}, nil
}

// openRoot opens a directory that nobody else can change.
func openRoot(path string) (*os.Root, error) {
	named, err := os.Lstat(path) //nolint:gosec // the caller says where
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	switch {
	case err != nil:
	case runtime.GOOS != "windows" && !os.SameFile(named, info): // a link since we looked
		err = fmt.Errorf("%s was replaced while it was opened", path)
	default:
		err = checkOwner(path, info)
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// Close lets go of the directory.
func (d *Dir) Close() error { return d.root.Close() }

// held are the files that this process has locked. Systems without locks have
// only this.
var held struct {
	sync.Mutex
	files map[string]bool
}

func (d *Dir) hold(name string) bool {
	held.Lock()
	defer held.Unlock()
	key := filepath.Join(d.path, name)
	if held.files[key] {
		return false
	}
	if held.files == nil {
		held.files = map[string]bool{}
	}
	held.files[key] = true
	return true
}

func (d *Dir) holds(name string) bool {
	held.Lock()
	defer held.Unlock()
	return held.files[filepath.Join(d.path, name)]
}

func (d *Dir) release(name string) {
	held.Lock()
	defer held.Unlock()
	delete(held.files, filepath.Join(d.path, name))
}

// lockTries are the tries to lock a file, with a pause that doubles between
// them, 62 ms in all: another may hold it for a moment, to see whether it is
// locked or to remove it.
const lockTries = 6

// take opens and locks a file for this process alone, and makes it if flag says
// so. It returns [ErrBusy] itself if the file stays locked.
func (d *Dir) take(ctx context.Context, name string, flag int) (*os.File, error) {
	for try := range lockTries {
		if err := wait(ctx, try); err != nil {
			return nil, err
		}
		if !d.hold(name) {
			continue
		}
		f, err := d.openFile(name, os.O_RDWR|os.O_APPEND|flag)
		if err != nil {
			d.release(name)
			return nil, err
		}
		ok, err := private.TryLock(f)
		if ok && d.named(f, name) { // or else it was removed before it was locked
			return f, nil
		}
		_ = f.Close()
		d.release(name)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be locked (%w); use a directory on a local disk", filepath.Join(d.path, name), err)
		}
	}
	return nil, ErrBusy
}

// wait pauses before a try that is not the first.
func wait(ctx context.Context, try int) error {
	if try == 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(time.Millisecond << try)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// give closes a file that take returned.
func (d *Dir) give(f *os.File, name string) error {
	err := f.Close()
	d.release(name)
	return err
}

// named tells whether f is still the file of that name.
func (d *Dir) named(f *os.File, name string) bool {
	was, err1 := f.Stat()
	is, err2 := d.root.Lstat(name)
	return err1 == nil && err2 == nil && os.SameFile(was, is)
}

// openFile opens the file of a run, and refuses what is no such file.
func (d *Dir) openFile(name string, flag int) (*os.File, error) {
	info, err := d.root.Lstat(name)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && flag&os.O_CREATE == 0, err != nil && !missing:
		return nil, err
	case !missing && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file; remove it", filepath.Join(d.path, name))
	case !missing:
		flag &^= os.O_CREATE
	default:
		flag |= os.O_EXCL
	}
	f, err := d.root.OpenFile(name, flag, 0o600)
	if errors.Is(err, fs.ErrExist) && missing { // made by another process meanwhile
		return d.openFile(name, flag&^(os.O_CREATE|os.O_EXCL))
	}
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !missing && !os.SameFile(info, opened) {
		err = fmt.Errorf("%s was replaced while it was opened", filepath.Join(d.path, name))
	}
	if err == nil {
		err = checkOwner(filepath.Join(d.path, name), opened)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
