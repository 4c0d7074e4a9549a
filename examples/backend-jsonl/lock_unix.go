//go:build unix && !aix && !solaris

package main

import (
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"
)

// lock holds a file that another process can hold only when this one has closed it, or
// has ended in any way. The file says who has started the process that holds it.
func lock(dir *os.Root, name string) (io.Closer, error) {
	f, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	program := []byte(strconv.Itoa(os.Getppid()))
	switch err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = errOthers
		if by, e := io.ReadAll(io.LimitReader(f, 20)); e == nil && string(by) == string(program) {
			err = errOurs
		}
	case err != nil:
		err = &os.PathError{Op: "lock", Path: name, Err: err}
	default:
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt(program, 0)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
