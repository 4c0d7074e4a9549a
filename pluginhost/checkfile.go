package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spanloom/spanloom/internal/private"
)

// CheckFile says why the file at path would not be started as a backend, with a
// [*StartError], or returns nil. It starts nothing.
func CheckFile(path string) error { return Executable{Path: path}.Verify() }

// rules are those for one file of a backend.
type rules struct {
	program bool // it is the one to run
	noLinks bool // it has this name and no other
}

// openFile opens a file of a backend, after all that could let others choose or
// change it: each directory and each link on the way is looked at.
func openFile(path string, r rules) (*os.File, error) {
	if !filepath.IsAbs(path) {
		return nil, &StartError{
			Problem: BadPath, Detail: fmt.Sprintf("the path %q is not absolute", path),
			Fix: "write the whole path; PATH is not searched",
		}
	}
	w := walk{path: path}
	file, seen, err := w.follow(r.noLinks)
	if err != nil {
		return nil, err
	}
	if err := r.check(path, seen); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, unseen(path, path, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = unseen(path, path, err)
	case !os.SameFile(seen, info):
		err = &StartError{Problem: Changed, Detail: path + " was replaced while it was opened", Fix: "start again"}
	default:
		err = r.check(path, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// check refuses what is not a file for us alone.
func (r rules) check(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return &StartError{Problem: NotExecutable, Detail: path + " is not a regular file", Fix: "name the binary itself"}
	case runtime.GOOS == "windows": // modes say nothing there
		return nil
	case r.program && info.Mode()&0o111 == 0:
		return &StartError{Problem: NotExecutable, Detail: path + " is not executable", Fix: "chmod +x " + path}
	case r.noLinks && private.Links(info) > 1:
		return &StartError{
			Problem: Unsafe, Detail: path + " has a second name elsewhere (a hard link)",
			Fix: "install a copy of its own with cp",
		}
	case private.OthersWrite(info):
		return &StartError{
			Problem: Unsafe, Detail: fmt.Sprintf("%s can be changed by other users (mode %04o)", path, info.Mode().Perm()),
			Fix: "chmod go-w " + path,
		}
	default:
		return checkOwner(path, info)
	}
}

func checkOwner(path string, info fs.FileInfo) error {
	if !private.Ours(info) && !private.OfRoot(info) {
		return &StartError{
			Problem: Unsafe, Detail: path + " belongs to another user", Fix: "install it as your own user or as root",
		}
	}
	return nil
}

// maxLinks is how many links are followed.
const maxLinks = 40

// walk follows a path from the root, and refuses directories and links with which
// other users could lead it elsewhere.
type walk struct {
	path   string
	links  int
	shared bool // everybody may make names in the directory, and remove their own
}

// follow returns where the path leads to.
func (w *walk) follow(noLinks bool) (string, fs.FileInfo, error) {
	if runtime.GOOS == "windows" {
		return w.plain(noLinks)
	}
	at := "/"
	info, err := os.Lstat(at)
	if err != nil {
		return "", nil, unseen(w.path, at, err)
	}
	rest := names(w.path)
	for len(rest) > 0 {
		if err := w.enter(at, info); err != nil {
			return "", nil, err
		}
		name := rest[0]
		rest = rest[1:]
		if name == ".." { // of a link; at has none
			at, rest = "/", append(names(filepath.Dir(at)), rest...)
			if info, err = os.Lstat(at); err != nil {
				return "", nil, unseen(w.path, at, err)
			}
			continue
		}
		next := filepath.Join(at, name)
		if info, err = os.Lstat(next); err != nil {
			return "", nil, unseen(w.path, next, err)
		}
		if w.shared {
			if err := checkOwner(next, info); err != nil {
				return "", nil, err
			}
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		w.links++
		switch {
		case err != nil:
			return "", nil, unseen(w.path, next, err)
		case noLinks && len(rest) == 0:
			return "", nil, linked(next)
		case w.links > maxLinks:
			return "", nil, unseen(w.path, next, errors.New("too many links"))
		case filepath.IsAbs(target):
			at = "/"
		}
		rest = append(names(target), rest...)
		if info, err = os.Lstat(at); err != nil {
			return "", nil, unseen(w.path, at, err)
		}
	}
	return at, info, nil
}

// enter looks at a directory on the way.
func (w *walk) enter(dir string, info fs.FileInfo) error {
	mode := info.Mode()
	if !mode.IsDir() {
		return &StartError{Problem: NotFound, Detail: fmt.Sprintf("there is no file %s: %s is no directory", w.path, dir), Fix: "build it or correct the path"}
	}
	others := private.OthersWrite(info)
	w.shared = others && mode&fs.ModeSticky != 0
	if others && !w.shared {
		return &StartError{
			Problem: Unsafe, Detail: fmt.Sprintf("%s is in %s, which can be changed by other users (mode %04o)", w.path, dir, mode.Perm()),
			Fix: "chmod go-w " + dir + ", or install the backend where only you can change anything",
		}
	}
	return checkOwner(dir, info)
}

// plain follows a path where modes say nothing.
func (w *walk) plain(noLinks bool) (string, fs.FileInfo, error) {
	if info, err := os.Lstat(w.path); err == nil && noLinks && info.Mode()&fs.ModeSymlink != 0 {
		return "", nil, linked(w.path)
	}
	file, err := filepath.EvalSymlinks(w.path)
	if err != nil {
		return "", nil, unseen(w.path, w.path, err)
	}
	info, err := os.Lstat(file)
	if err != nil {
		return "", nil, unseen(w.path, w.path, err)
	}
	return file, info, nil
}

// names are the parts of a path.
func names(path string) []string {
	var list []string
	for name := range strings.SplitSeq(path, "/") {
		if name != "" && name != "." {
			list = append(list, name)
		}
	}
	return list
}

func linked(path string) error {
	return &StartError{
		Problem: Unsafe, Detail: path + " is a symbolic link",
		Fix: "install the file itself with cp, or name it with command in place of plugin",
	}
}

// unseen says that the file at path cannot be had because of what is at another.
func unseen(path, at string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &StartError{Problem: NotFound, Detail: "there is no file " + path, Fix: "build it or correct the path", Err: err}
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return &StartError{Problem: NotFound, Detail: fmt.Sprintf("%s cannot be looked at: %v", at, err), Err: err}
}
