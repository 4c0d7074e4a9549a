// Package private opens directories and files that belong to our user, and sees to
// it that nobody else has a hand in them. It imports the standard library only.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// Permissions that other users may not have.
const (
	NoWriters fs.FileMode = 0o022
	NoReaders fs.FileMode = 0o077
)

// OpenDir opens a directory that is ours, and makes it, with mode 0700, if there is
// none. It refuses a link, and a directory that gives other users a permission of
// forbid. Errors do not name the directory.
func OpenDir(dir string, forbid fs.FileMode) (*os.Root, error) {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			info, err = os.Lstat(dir)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := CheckDir(info, forbid); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if opened, err := root.Stat("."); err != nil || !os.SameFile(info, opened) {
		_ = root.Close()
		return nil, errors.New("it was replaced while it was opened")
	}
	return root, nil
}

// CheckDir refuses what OpenDir does. Info is that of Lstat.
func CheckDir(info fs.FileInfo, forbid fs.FileMode) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link: name the directory that it leads to")
	case !info.IsDir():
		return errors.New("it is not a directory: choose another")
	case runtime.GOOS == "windows": // modes say nothing there
		return nil
	case !Ours(info):
		return errors.New("it belongs to another user: choose a directory of your own")
	case info.Mode().Perm()&forbid&NoWriters != 0:
		return fmt.Errorf("it can be changed by other users (mode %04o): chmod 700 it, if they have not", info.Mode().Perm())
	case info.Mode().Perm()&forbid != 0:
		return fmt.Errorf("it can be read by other users (mode %04o): chmod 700 it", info.Mode().Perm())
	default:
		return nil
	}
}

// OpenFile opens a file that is there: a regular one that is ours, cannot be run,
// and gives no permission to others. A link is refused wherever it leads, and a
// second name too. Errors do not name the file.
func OpenFile(root *os.Root, name string, flag int) (*os.File, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := checkFile(info); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(name, flag, 0)
	if err != nil {
		return nil, err
	}
	// os.Root follows links that stay inside, whatever the flag says.
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		_ = f.Close()
		return nil, errors.New("it was replaced while it was opened")
	}
	return f, nil
}

func checkFile(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file: remove it")
	case runtime.GOOS == "windows":
		return nil
	case !Ours(info):
		return errors.New("it belongs to another user: remove it")
	case info.Mode().Perm()&^0o600 != 0:
		return fmt.Errorf("its mode is %04o: chmod 600 it, if nobody has changed it", info.Mode().Perm())
	case Links(info) > 1:
		return errors.New("it has a second name elsewhere (a hard link): remove it")
	default:
		return nil
	}
}

// SyncDir makes the names in a directory last, where the system can.
func SyncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	err = dir.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
