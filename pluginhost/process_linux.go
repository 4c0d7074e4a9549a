package pluginhost

import (
	"errors"
	"os/exec"

	"golang.org/x/sys/unix"
)

// waitExit returns when the process has ended, and does not reap it.
func waitExit(cmd *exec.Cmd) {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

const (
	// maxFiles is how many files a backend process may have open.
	maxFiles = 4096
	// maxData bounds its memory, as RLIMIT_DATA counts it. A Go program has 150 MB of
	// that when it has touched 6, and of address space 1.9 GB.
	maxData = 4 << 30
)

// limit bounds what a process that has just started may take: so many files, so much
// memory, and no dump of its memory on the disk, where secrets would be. It does not
// bound processes, of which the system counts all of a user.
func limit(pid int) {
	for resource, most := range map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: maxFiles, unix.RLIMIT_DATA: maxData} {
		var now unix.Rlimit
		if unix.Prlimit(pid, resource, nil, &now) == nil {
			_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: min(now.Cur, most), Max: min(now.Max, most)}, nil)
		}
	}
}
