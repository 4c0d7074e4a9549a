package backend

import (
	"os"
	"syscall"
)

// splitStdout moves the handshake away from file descriptor 1, which becomes a
// copy of standard error: whatever writes there, in Go or not, cannot disturb
// the host, which stops reading the other end after a line that is too long.
func splitStdout() *os.File {
	fd, err := syscall.Dup(1)
	if err != nil {
		return os.Stdout
	}
	syscall.CloseOnExec(fd)
	if err := syscall.Dup3(2, 1, 0); err != nil {
		_ = syscall.Close(fd)
		return os.Stdout
	}
	return os.NewFile(uintptr(fd), "handshake")
}
