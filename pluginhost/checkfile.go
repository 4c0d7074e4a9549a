package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spanloom/spanloom/internal/private"
)

// CheckFile says why the file at path would not be started as a backend, with a
// [*StartError], or returns nil. It starts nothing.
func CheckFile(path string) error {
	if _, err := checkFile(path); err != nil {
		return shown(err, nil)
	}
	return nil
}

// checkFile says why the file at path should not be run, or returns where it
// is once all links are followed.
func checkFile(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", &StartError{
			Problem: BadPath, Detail: fmt.Sprintf("the path %q is not absolute", path),
			Fix: "write the whole path; PATH is not searched",
		}
	}
	file, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &StartError{Problem: NotFound, Detail: "there is no file " + path, Fix: "build it or correct the path", Err: err}
	}
	if err != nil {
		return "", &StartError{Problem: NotFound, Detail: fmt.Sprintf("%s cannot be looked at: %v", path, err), Err: err}
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", &StartError{Problem: NotFound, Detail: fmt.Sprintf("%s cannot be looked at: %v", path, err), Err: err}
	}
	if !info.Mode().IsRegular() {
		return "", &StartError{Problem: NotExecutable, Detail: path + " is not a regular file", Fix: "name the binary itself"}
	}
	if runtime.GOOS == "windows" {
		return file, nil // modes say nothing there
	}
	if info.Mode()&0o111 == 0 {
		return "", &StartError{Problem: NotExecutable, Detail: path + " is not executable", Fix: "chmod +x " + path}
	}
	if err := checkOwner(file, info); err != nil {
		return "", err
	}
	dir := filepath.Dir(file)
	if info, err = os.Stat(dir); err != nil {
		return "", &StartError{Problem: NotFound, Detail: fmt.Sprintf("%s cannot be looked at: %v", dir, err), Err: err}
	}
	if err := checkOwner(dir, info); err != nil {
		return "", err
	}
	return file, nil
}

// checkOwner refuses what another user could change.
func checkOwner(path string, info os.FileInfo) error {
	if info.Mode().Perm()&0o022 != 0 {
		return &StartError{
			Problem: Unsafe, Detail: fmt.Sprintf("%s can be changed by other users (mode %04o)", path, info.Mode().Perm()),
			Fix: "chmod go-w " + path,
		}
	}
	if !private.Ours(info) && !ownedByRoot(info) {
		return &StartError{
			Problem: Unsafe, Detail: path + " belongs to another user", Fix: "install it as your own user or as root",
		}
	}
	return nil
}
