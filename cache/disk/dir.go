package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

const (
	lockName    = "lock"
	tempName    = "tmp"
	lockTimeout = time.Second
)

// openDir opens a directory that only our user can change, and makes it if
// there is none.
func openDir(dir string) (*os.Root, error) {
	root, err := private.OpenDir(dir, private.NoWriters)
	if err != nil {
		return nil, err
	}
	if err := checkLayout(root); err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// checkLayout refuses links where the store's directories should be. They could
// lead from one to the other.
func checkLayout(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if (e.Name() == tempName || isShard(e.Name())) && !e.IsDir() {
			return fmt.Errorf("%s in it is not a directory: remove it", e.Name())
		}
	}
	return nil
}

func isShard(name string) bool {
	return len(name) == 2 && strings.Trim(name, "0123456789abcdef") == ""
}

// lockDir keeps other processes out until the file is closed.
func lockDir(root *os.Root) (*os.File, error) {
	lock, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		// Where there are no locks the index file, which bbolt locks, cannot be
		// removed while it is open, so that its lock is enough.
		ok, err := private.TryLock(lock)
		if ok {
			return lock, nil
		}
		if err == nil && time.Since(began) > lockTimeout {
			err = errInUse
		}
		if err != nil {
			_ = lock.Close()
			return nil, err
		}
	}
}

var errInUse = errors.New("another process has it open, or this one a second time: wait for that or choose another directory")

// sweepTemps removes what a killed process was writing.
func sweepTemps(root *os.Root) error {
	if err := root.Mkdir(tempName, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := fs.ReadDir(root.FS(), tempName)
	for _, e := range entries {
		_ = root.Remove(filepath.Join(tempName, e.Name()))
	}
	return err
}

// openRegular opens a file for reading, if it is one. Anything else is damage: a
// pipe would make us wait, and a link lead elsewhere.
func openRegular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		if info, e := root.Lstat(name); e == nil && !info.Mode().IsRegular() {
			err = errNotRegular
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

const errNotRegular = damage("it is not a regular file")
