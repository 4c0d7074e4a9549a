//go:build unix && !linux && !aix && !solaris && !illumos

package backend

import (
	"os"
	"syscall"
)

// splitStdout moves the handshake away from file descriptor 1, which becomes a
// copy of standard error.
func splitStdout() *os.File {
	fd, err := syscall.Dup(1)
	if err != nil {
		return os.Stdout
	}
	syscall.CloseOnExec(fd)
	if err := syscall.Dup2(2, 1); err != nil {
		_ = syscall.Close(fd)
		return os.Stdout
	}
	return os.NewFile(uintptr(fd), "handshake")
}
