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
