//go:build unix && !aix && !solaris

package runs

import (
	"fmt"
	"os"
	"syscall"
)

// checkOwner refuses what another user could change.
func checkOwner(path string, info os.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("%s can be changed by other users (mode %04o); chmod go-w %s", path, perm, path)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !trusted(info) {
		return fmt.Errorf("%s belongs to another user; use a directory of your own", path)
	}
	if ok && info.Mode().IsRegular() && st.Nlink > 1 {
		return fmt.Errorf("%s has a second name elsewhere (a hard link); remove it", path)
	}
	return nil
}

// trusted reports whether a file is ours or root's.
func trusted(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid()
}
