package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

const (
	runDirPrefix = "spanloom-"
	// maxRunDir leaves room in a socket's path, of which the system takes about
	// 100 bytes, for the name that go-plugin gives it.
	maxRunDir = 99 - len("/plugin4294967295")
	// sweepAge keeps a directory safe until its owner has locked it.
	sweepAge = time.Minute

	lockName = "lock"
	// lockText is what the lock of a run directory holds, by which it is known
	// as ours.
	lockText = "This directory belongs to a telemetry backend of Spanloom while it runs.\n"
)

// runDir is a directory for one backend process: its working directory, and
// the place of its socket. Only our user can enter it.
type runDir struct {
	path string
	lock *os.File
}

var sweepOnce sync.Once

// newRunDir makes a run directory in the first place that takes one, and once
// per process removes those that dead processes left there.
func newRunDir() (*runDir, error) {
	d, err := firstRunDir()
	if err == nil {
		sweepOnce.Do(func() { sweep(filepath.Dir(d.path), sweepAge) })
	}
	return d, err
}

// firstRunDir makes a run directory in the first place that takes one.
func firstRunDir() (*runDir, error) {
	var failed []error
	for _, base := range runBases() {
		d, err := makeRunDir(base)
		if err == nil {
			return d, nil
		}
		failed = append(failed, err)
	}
	e := &StartError{
		Problem: NoDirectory, Detail: "there is no directory for the backend's socket",
		Fix: "set TMPDIR to a directory that can be written to", Err: errors.Join(failed...),
	}
	if len(failed) > 0 {
		e.Detail += fmt.Sprintf(" (%v)", failed[0])
	}
	return nil, e
}

func makeRunDir(base string) (*runDir, error) {
	if !filepath.IsAbs(base) {
		return nil, fmt.Errorf("%s is not an absolute path", base)
	}
	if len(base)+len("/"+runDirPrefix+"4294967295") > maxRunDir {
		return nil, fmt.Errorf("the path %s is too long for a socket", base)
	}
	path, err := os.MkdirTemp(base, runDirPrefix) // mode 0700
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the path
	}
	d := &runDir{path: path}
	d.lock, err = os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = lockDir(d.lock)
	}
	if err == nil {
		_, err = d.lock.WriteString(lockText)
	}
	if err != nil {
		d.remove()
		return nil, err
	}
	return d, nil
}

// lockDir takes the lock of a run directory, until it is closed, by the end of the
// process if need be.
func lockDir(lock *os.File) error {
	ok, err := private.TryLock(lock)
	if err == nil && !ok {
		err = fmt.Errorf("%s is locked", filepath.Dir(lock.Name()))
	}
	return err
}

func (d *runDir) remove() {
	if d.lock == nil {
		_ = os.Remove(d.path)
		return
	}
	if runtime.GOOS == "windows" {
		_ = d.lock.Close() // an open file cannot be removed there
	}
	emptyRunDir(d.path)
	_ = d.lock.Close()
}

// runBases returns the directories for temporary files, the best first. Tests
// have others.
var runBases = func() []string {
	var list []string
	for _, base := range []string{os.TempDir(), os.Getenv("XDG_RUNTIME_DIR"), "/tmp"} {
		if base != "" && !slices.Contains(list, base) {
			list = append(list, base)
		}
	}
	return list
}

// numbered reports whether name is prefix and a number, as os.MkdirTemp and
// os.CreateTemp make it.
func numbered(name, prefix string) bool {
	digits, ok := strings.CutPrefix(name, prefix)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// sweep removes the run directories that nobody holds the lock of. The lock, and
// not a process id, says so: processes in other containers may share base.
//
// Other programs may call their directories like ours, so what is not certainly
// a run directory and nothing else stays as it is.
func sweep(base string, age time.Duration) {
	entries, err := os.ReadDir(base)
	if err != nil || runtime.GOOS == "windows" { // which has no sockets there, and no such locks
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !isRunDir(e, info) || time.Since(info.ModTime()) < age {
			continue
		}
		sweepOne(filepath.Join(base, e.Name()))
	}
}

func sweepOne(path string) {
	lock, err := openLock(filepath.Join(path, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		if sockets, ok := abandoned(path); ok { // made by a process that went no further, or being removed when a backend made its socket
			for _, s := range sockets {
				_ = os.Remove(s)
			}
			_ = os.Remove(path)
		}
		return
	}
	if err != nil {
		return // not one of ours
	}
	defer func() { _ = lock.Close() }()
	if lockDir(lock) == nil {
		emptyRunDir(path)
	}
}

// abandoned returns the sockets in a directory that has no lock, and reports whether
// there is nothing else and nobody listens at any: whatever made it, nothing is lost with
// it.
func abandoned(path string) (sockets []string, ok bool) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		socket := filepath.Join(path, e.Name())
		if e.Type()&fs.ModeSocket == 0 || !deserted(socket) {
			return nil, false
		}
		sockets = append(sockets, socket)
	}
	return sockets, true
}

// deserted reports whether nobody listens at a socket.
func deserted(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// openLock opens the lock of a run directory, if that is what it is.
func openLock(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // for sweepOne only
	}
	if !info.Mode().IsRegular() || info.Size() != int64(len(lockText)) || !private.Ours(info) {
		return nil, errors.New("not a lock")
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != lockText {
		return nil, errors.New("not a lock")
	}
	return os.OpenFile(path, os.O_RDWR, 0) //nolint:wrapcheck // for sweepOne only
}

// ours reports whether e is of a run directory itself: the lock, the directory of
// copies, go-plugin's directory, which we keep empty, a socket, which a backend may call
// as it likes, and the file that keeps the name of go-plugin's until it is made.
func ours(e fs.DirEntry) bool {
	name, mode := e.Name(), e.Type()
	switch {
	case name == lockName:
		return mode.IsRegular()
	case mode.IsDir():
		return name == copyDir || numbered(name, "plugin-dir")
	case mode&fs.ModeSocket != 0:
		return true
	case mode.IsRegular() && numbered(name, "plugin"):
		info, err := e.Info()
		return err == nil && info.Size() == 0
	default:
		return false
	}
}

// emptyRunDir removes what is ours in a run directory, and then the directory. A file
// that a backend has left there keeps it, and the lock, by which a later sweep knows it.
func emptyRunDir(path string) {
	removeCopies(filepath.Join(path, copyDir))
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		if ours(e) && e.Name() != lockName {
			_ = os.Remove(filepath.Join(path, e.Name()))
		}
	}
	if left, err := os.ReadDir(path); err != nil || slices.ContainsFunc(left, func(e fs.DirEntry) bool { return e.Name() != lockName }) {
		return
	}
	_ = os.Remove(filepath.Join(path, lockName))
	_ = os.Remove(path)
}

// removeCopies removes the copies of a backend's files, which nobody may write to.
// What a backend has left beside them stays.
func removeCopies(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o222 == 0) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
