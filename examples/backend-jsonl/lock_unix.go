//go:build unix && !aix && !solaris

package main

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lock holds a file that another process can hold only when this one has closed it, or
// has ended in any way.
func lock(dir *os.Root, name string) (io.Closer, error) {
	f, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("another program writes to this file; give each program a path of its own")
		}
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}
