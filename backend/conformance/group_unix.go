//go:build unix

package conformance

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the process a group of its own, as hosts do.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the process and what it has started.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
