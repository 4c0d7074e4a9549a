package pluginhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spanloom/spanloom/internal/bytesize"
)

// Executable is a backend that is a file of its own. It is a [Launcher].
//
// The file and every directory on its path must be such that only we and root can
// change them. With each start the files are opened once, copied to where nobody can
// change them, and summed up on the way; the copy is what Check is asked about and
// what runs.
type Executable struct {
	// Path of the program; it must be absolute. Required.
	Path string
	// Args are its arguments. Those that are absolute paths of regular files are
	// files of the backend too, as is the script of an interpreter: the program gets
	// the paths of their copies. Defaults to none.
	Args []string
	// NoLinks refuses a Path that is a symbolic link, or one of several names of a
	// file. Defaults to false: links are followed.
	NoLinks bool
	// Ask is asked with each start whether there may be files that may run, before
	// any is read: reading takes as much time and memory as the files are large. As
	// Check otherwise. Defaults to none: there may.
	Ask func() error
	// Check is asked with each start whether these files may run. It may be called
	// concurrently, and should return a [*StartError]. Defaults to none: they may.
	Check func(files []File) error
}

// File is a file of a backend.
type File struct {
	// Word is 0 for the program and the number of an argument, from 1, otherwise.
	Word int
	// Path is as it was given.
	Path string
	// SHA256 is the sum of the bytes, in hexadecimal.
	SHA256 string
}

// maxFile bounds the size of a backend's file.
const maxFile = 1 << 30

// Verify says why a backend would not be started, with a [*StartError], or returns
// nil. It starts nothing.
func (e Executable) Verify() error {
	err := e.read(func(int, *os.File) (io.WriteCloser, error) { return nil, nil })
	if err != nil {
		return shown(err, nil)
	}
	return nil
}

// read opens the files, sums them up and asks Check. What copyTo returns for a file,
// if anything, gets its bytes.
func (e Executable) read(copyTo func(word int, f *os.File) (io.WriteCloser, error)) error {
	var files []File
	for i, path := range append([]string{e.Path}, e.Args...) {
		if i > 0 && !isFile(path) {
			continue
		}
		sum, err := e.readOne(i, path, copyTo)
		if err != nil {
			return err
		}
		files = append(files, File{Word: i, Path: path, SHA256: sum})
	}
	if e.Check != nil {
		return e.Check(files)
	}
	return nil
}

// isFile reports whether an argument names a file.
func isFile(word string) bool {
	if !filepath.IsAbs(word) {
		return false
	}
	info, err := os.Stat(word)
	return err == nil && info.Mode().IsRegular()
}

func (e Executable) readOne(word int, path string, copyTo func(int, *os.File) (io.WriteCloser, error)) (string, error) {
	f, err := openFile(path, rules{program: word == 0, noLinks: e.NoLinks && word == 0})
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if word == 0 && e.Ask != nil {
		if err := e.Ask(); err != nil {
			return "", err
		}
	}
	w, err := copyTo(word, f)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	to := io.Writer(h)
	if w != nil {
		to = io.MultiWriter(h, w)
	}
	n, err := io.Copy(to, io.LimitReader(f, maxFile+1))
	if w != nil {
		err = errors.Join(err, w.Close())
	}
	switch {
	case err != nil:
		return "", &StartError{Problem: NotFound, Detail: fmt.Sprintf("%s cannot be read: %v", path, err), Err: err}
	case n > maxFile:
		return "", &StartError{Problem: NotExecutable, Detail: fmt.Sprintf("%s is larger than %s", path, bytesize.Text(maxFile)), Fix: "name the binary itself"}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// image is what a backend process runs.
type image struct {
	name string   // of the program, for messages
	path string   // to run
	args []string // that begin with the name
	hold io.Closer
}

// close frees what was needed until the process has started.
func (im *image) close() {
	if im.hold != nil {
		_ = im.hold.Close()
	}
}

// launch implements Launcher.
func (e Executable) launch(ctx context.Context, spec *Spec) (*session, error) {
	return startProcess(ctx, spec, e.copied, nil)
}

// copied makes the image of the verified bytes. Files that have to have a path are in
// the run directory dir.
func (e Executable) copied(dir string) (*image, error) {
	im := &image{name: e.Path, args: append([]string{e.Path}, e.Args...)}
	err := e.read(func(word int, f *os.File) (io.WriteCloser, error) {
		if word == 0 && !isScript(f) {
			if m, err := newMemory(filepath.Base(e.Path)); err == nil {
				im.path, im.hold = m.path(), m
				return sealer{m}, nil
			}
		}
		c, err := newCopy(dir, im.args[word], word == 0)
		if err != nil {
			return nil, err
		}
		if word == 0 {
			im.path = c.Name()
		} else {
			im.args[word] = c.Name()
		}
		return c, nil
	})
	if err != nil {
		im.close()
		return nil, err
	}
	return im, nil
}

// isScript reports whether the system gives the path of a program to an interpreter,
// which then has to find it there.
func isScript(f *os.File) bool {
	var begin [2]byte
	_, err := f.ReadAt(begin[:], 0)
	return err == nil && string(begin[:]) == "#!"
}

// sealer ends the writing of a file in memory.
type sealer struct{ *memory }

// Close implements io.Closer.
func (s sealer) Close() error { return s.seal() }

// copyDir is the directory of the copies in a run directory.
const copyDir = "verified"

// fileCopy is a copy in a run directory.
type fileCopy struct{ *os.File }

// newCopy begins a copy of the file at path, under its own name: interpreters look at
// the end of it.
func newCopy(dir, path string, program bool) (*fileCopy, error) {
	dir = filepath.Join(dir, copyDir)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		mode := os.FileMode(0o400)
		if program {
			mode = 0o500
		}
		// A process that is forked while this is open could have it open for a
		// moment longer, and nothing runs what is open for writing.
		syscall.ForkLock.RLock()
		var f *os.File
		if f, err = os.OpenFile(filepath.Join(dir, filepath.Base(path)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode); err == nil {
			return &fileCopy{f}, nil
		}
		syscall.ForkLock.RUnlock()
	}
	if errors.Is(err, os.ErrExist) {
		return nil, &StartError{Problem: BadPath, Detail: "two files of the command are called " + filepath.Base(path), Fix: "rename one", Err: err}
	}
	return nil, &StartError{Problem: NoDirectory, Detail: fmt.Sprintf("%s cannot be copied to the directory of the backend: %v", path, err), Err: err}
}

// Close implements io.Closer.
func (c *fileCopy) Close() error {
	defer syscall.ForkLock.RUnlock()
	return c.File.Close() //nolint:wrapcheck // it names the file
}
