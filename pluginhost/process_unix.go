//go:build unix

package pluginhost

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the process a group of its own: an interrupt at the terminal
// is for the host, and the whole group can be killed.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// killGroup kills the process and what it started.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
}
