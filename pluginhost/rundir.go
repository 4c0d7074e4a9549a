package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	runDirPrefix = "spanloom-"
	// maxRunDir leaves room in a socket's path, of which the system takes about
	// 100 bytes, for the name that go-plugin gives it.
	maxRunDir = 99 - len("/plugin4294967295")
	// sweepAge keeps a directory safe until its owner has locked it.
	sweepAge = time.Minute
)

// runDir is a directory for one backend process: its working directory, and
// the place of its socket. Only our user can enter it.
type runDir struct {
	path string
	lock *os.File
}

var sweepOnce sync.Once

// newRunDir makes a run directory, and once per process removes those that
// dead processes left.
func newRunDir() (*runDir, error) {
	base, err := runBase()
	if err != nil {
		return nil, err
	}
	sweepOnce.Do(func() { sweep(base, sweepAge) })
	path, err := os.MkdirTemp(base, runDirPrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil && !tryLock(lock) {
		err = fmt.Errorf("lock %s: it is locked", path)
	}
	if err != nil {
		_ = os.RemoveAll(path)
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	return &runDir{path, lock}, nil
}

func (d *runDir) remove() {
	_ = os.RemoveAll(d.path)
	_ = d.lock.Close()
}

// runBase returns a directory for temporary files whose path is short enough.
func runBase() (string, error) {
	tried := []string{os.TempDir(), os.Getenv("XDG_RUNTIME_DIR"), "/tmp"}
	for _, base := range tried {
		if base == "" || len(base)+len("/"+runDirPrefix+"4294967295") > maxRunDir {
			continue
		}
		if info, err := os.Stat(base); err == nil && info.IsDir() { //nolint:gosec // the environment is the user's own
			return base, nil
		}
	}
	return "", fmt.Errorf("no directory with a path short enough for a socket in %s: set TMPDIR to one", strings.Join(tried, ", "))
}

// sweep removes the run directories that nobody holds the lock of. The lock, and
// not a process id, says so: processes in other containers may share base.
func sweep(base string, age time.Duration) {
	entries, err := os.ReadDir(base)
	if err != nil || runtime.GOOS == "windows" { // which has no sockets there, and no such locks
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), runDirPrefix) ||
			time.Since(info.ModTime()) < age || !ownedByUs(info) {
			continue
		}
		path := filepath.Join(base, e.Name())
		lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue // not one of ours
		}
		if tryLock(lock) {
			_ = os.RemoveAll(path)
		}
		_ = lock.Close()
	}
}
