//go:build !linux

package pluginhost

import (
	"errors"
	"os"
)

// memory is a file without a path, which there is only on Linux.
type memory struct{ *os.File }

func newMemory(string) (*memory, error) { return nil, errors.ErrUnsupported }

func (*memory) seal() error { return errors.ErrUnsupported }

func (*memory) path() string { return "" }
