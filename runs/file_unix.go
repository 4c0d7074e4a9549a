//go:build unix && !aix && !solaris

package runs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tryLock locks f for this process alone until it is closed, by the end of the
// process if need be. It returns false if f is locked already.
func tryLock(f *os.File) (bool, error) { return flock(f, syscall.LOCK_EX) }

// canLock says that a run which is open in another process can be known.
const canLock = true

// locked tells whether f is locked. It takes the lock for a moment to see.
func locked(f *os.File) bool {
	ok, err := flock(f, syscall.LOCK_SH)
	if ok {
		_, _ = flock(f, syscall.LOCK_UN)
	}
	return !ok && err == nil
}

func flock(f *os.File, how int) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, fmt.Errorf("%s cannot be locked (%w); use a directory on a local disk", f.Name(), err)
		}
	}
}

// checkOwner refuses what another user could change.
func checkOwner(path string, info os.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("%s can be changed by other users (mode %04o); chmod go-w %s", path, perm, path)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user; use a directory of your own", path)
	}
	if ok && info.Mode().IsRegular() && st.Nlink > 1 {
		return fmt.Errorf("%s has a second name elsewhere (a hard link); remove it", path)
	}
	return nil
}
