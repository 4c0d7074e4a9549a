//go:build unix

package output

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// File returns a writer to f that fails when nobody can read any more. A write of
// os.File to standard error, or output, ends the program by SIGPIPE then (package
// os/signal, "SIGPIPE"), which is for programs to choose and not for their telemetry.
func File(f *os.File) io.Writer { return file{f} }

type file struct{ *os.File }

// Write implements io.Writer.
func (f file) Write(p []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err //nolint:wrapcheck // as os.File says it
	}
	failed := raw.Write(func(fd uintptr) (done bool) {
		for n < len(p) {
			var m int
			m, err = syscall.Write(int(fd), p[n:])
			n += max(m, 0)
			switch {
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.EAGAIN):
				return false // wait, if the file can be waited for
			case err != nil:
				return true
			}
		}
		return true
	})
	if err == nil || errors.Is(err, syscall.EAGAIN) {
		err = failed
	}
	return n, err //nolint:wrapcheck // as os.File says it
}
