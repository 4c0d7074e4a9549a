//go:build unix && !aix && !solaris

package private

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// CanLock says that TryLock keeps other processes out.
const CanLock = true

// TryLock locks f for this process alone until it is closed, by the end of the
// process if need be. It is false if f is locked already, by this process too if
// it has opened the file a second time.
func TryLock(f *os.File) (bool, error) { return flock(f, syscall.LOCK_EX) }

// Locked reports whether f is locked. It takes the lock for a moment to see.
func Locked(f *os.File) bool {
	ok, err := flock(f, syscall.LOCK_SH)
	if ok {
		_, _ = flock(f, syscall.LOCK_UN)
	}
	return !ok && err == nil
}

func flock(f *os.File, how int) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}

// Ours reports whether a file is the property of our user.
func Ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// OfRoot reports whether a file is the property of root.
func OfRoot(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0
}

// Links returns how many names a file has.
func Links(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink) //nolint:unconvert // it has another type elsewhere
}

// inOwnGroup reports whether the group of a file is that of our user alone.
func inOwnGroup(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	passwd, err := os.ReadFile("/etc/passwd")
	groups, failed := os.ReadFile("/etc/group")
	return err == nil && failed == nil && ownGroup(string(passwd), string(groups), uint32(os.Geteuid()), st.Gid)
}
