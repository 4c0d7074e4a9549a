//go:build unix

package pluginhost

import (
	"os"
	"os/exec"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// alone lets one process start at a time, see startAlone.
var alone sync.Mutex

// startAlone starts a process that has of our open files those that cmd names only.
// Go sees to that for the files that it opens itself. Those that this program has from
// its own parent, or from C, are kept back for the moment.
func startAlone(cmd *exec.Cmd) error {
	alone.Lock()
	defer alone.Unlock()
	for _, fd := range inheritable() {
		if _, err := unix.FcntlInt(fd.n, unix.F_SETFD, unix.FD_CLOEXEC); err == nil {
			defer fd.release()
		}
	}
	return cmd.Start() //nolint:wrapcheck // translated by the launcher
}

// descriptor is one that a child would have too.
type descriptor struct {
	n    uintptr
	file unix.Stat_t
}

// release lets children have the descriptor again, if it is still of the same file.
func (d descriptor) release() {
	var now unix.Stat_t
	if unix.Fstat(int(d.n), &now) == nil && now.Dev == d.file.Dev && now.Ino == d.file.Ino {
		_, _ = unix.FcntlInt(d.n, unix.F_SETFD, 0)
	}
}

// inheritable lists the descriptors from 3 on that a child would have too.
func inheritable() []descriptor {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return nil
	}
	var list []descriptor
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n <= 2 {
			continue
		}
		d := descriptor{n: uintptr(n)}
		flags, err := unix.FcntlInt(d.n, unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 && unix.Fstat(n, &d.file) == nil {
			list = append(list, d)
		}
	}
	return list
}
