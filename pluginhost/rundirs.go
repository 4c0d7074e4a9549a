package pluginhost

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// RunDir is the directory of a backend's process, with its socket.
type RunDir struct {
	Path string
	// InUse says that the process that made it is there.
	InUse bool
}

// RunDirs returns the run directories of this user in the place where the next would be
// made, and tries that: if it cannot be, it returns a [*StartError]. Those that are not
// in use were left by programs that were killed; the next start removes them.
func RunDirs() ([]RunDir, error) {
	d, err := firstRunDir()
	if err != nil {
		return nil, shown(err, nil)
	}
	d.remove()
	return runDirsIn(filepath.Dir(d.path)), nil
}

func runDirsIn(base string) (list []RunDir) {
	entries, err := os.ReadDir(base)
	if err != nil || runtime.GOOS == "windows" { // as for sweep
		return nil
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !isRunDir(e, info) {
			continue
		}
		path := filepath.Join(base, e.Name())
		lock, err := openLock(filepath.Join(path, lockName))
		switch {
		case err == nil:
			list = append(list, RunDir{path, private.Locked(lock)})
			_ = lock.Close()
		case errors.Is(err, fs.ErrNotExist):
			if _, ok := abandoned(path); ok {
				list = append(list, RunDir{path, time.Since(info.ModTime()) < sweepAge})
			}
		}
	}
	return list
}

// isRunDir reports whether a directory looks like one of ours.
func isRunDir(e fs.DirEntry, info fs.FileInfo) bool {
	return numbered(e.Name(), runDirPrefix) && e.IsDir() && info.Mode().Perm() == 0o700 && private.Ours(info)
}
