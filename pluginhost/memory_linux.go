package pluginhost

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// memory is a file without a path, which nobody can change once it is sealed.
type memory struct{ *os.File }

func newMemory(name string) (*memory, error) {
	const most = 200 // the system takes 249 bytes
	name = name[:min(len(name), most)]
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3, where all can be run
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	m := &memory{os.NewFile(uintptr(fd), name)}
	if _, err := os.Stat(m.path()); err != nil { // there is no /proc
		_ = m.Close()
		return nil, err //nolint:wrapcheck // it names the path
	}
	return m, nil
}

// seal keeps the file as it is.
func (m *memory) seal() error {
	_, err := unix.FcntlInt(m.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	return os.NewSyscallError("fcntl", err)
}

// path is how a child names the file before it runs it.
func (m *memory) path() string { return fmt.Sprintf("/proc/self/fd/%d", m.Fd()) }
