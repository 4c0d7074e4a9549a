//go:build unix

package backend

import (
	"os"
	"syscall"
)

// leader reports whether the process leads a process group, as one does that a
// host has started.
func leader() bool { return syscall.Getpgrp() == os.Getpid() }

// killOwnGroup ends the process and what it started, if the group is its own.
func killOwnGroup() {
	if leader() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
}
