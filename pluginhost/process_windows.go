package pluginhost

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the process a group of its own: an interrupt at the console is
// for the host.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// startAlone starts a process, which has none of our open files here but those that
// cmd names.
func startAlone(cmd *exec.Cmd) error { return cmd.Start() } //nolint:wrapcheck // translated by the launcher

// killGroup kills the process; what it started ends with its pipes.
func killGroup(p *os.Process) { _ = p.Kill() }
