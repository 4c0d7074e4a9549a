package private

import (
	"errors"
	"os"
	"syscall"
)

// Sync returns when the disk has what was written to f, and its length. Times may
// be missing.
func Sync(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
