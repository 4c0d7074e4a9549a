package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Find loads the manifest a program uses. The first of these that is there
// wins:
//
//  1. path, when it is not empty;
//  2. the file that SPANLOOM_MANIFEST names, when it is set and not empty;
//  3. spanloom.yaml in the working directory;
//  4. embedded, when it is not nil.
//
// It returns nil and no error when there is none. A file that path or
// SPANLOOM_MANIFEST names and that is missing is an error, never a reason to
// try the next. What lies over a file is said at Load; over the embedded text
// lies nothing.
func Find(path string, embedded []byte, o Options) (*Manifest, error) {
	if path != "" {
		m, err := Load(path, o)
		return m, missing(err, "the path given")
	}
	if path, _ := o.lookup(EnvVar); path != "" {
		m, err := Load(path, o)
		return m, missing(err, EnvVar)
	}
	m, err := Load(FileName, o)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if embedded != nil {
		return Parse(FileName+" (embedded)", embedded, o)
	}
	return nil, nil
}

func missing(err error, origin string) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w; %s names it", err, origin)
}

// Load reads and parses the manifest at path, which must be a regular file or a
// link to one, and the file that lies over it in its mode, if there is one: over
// spanloom.yaml, spanloom.prod.yaml in mode prod. The error is Errors when the text is at fault, and wraps the
// fault of the file system otherwise.
func Load(path string, o Options) (*Manifest, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", path, err)
	}
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return parse(source{file: path, data: data}, filepath.Dir(abs), readOverlay(path), o)
}

// read looks before it opens, because opening a named pipe blocks, and again
// after, because the path may have changed between.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	// One byte more than allowed, so that parse sees that it is too large.
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fileError(path, err)
	}
	return data, nil
}

func notRegular(path string) error {
	return fmt.Errorf("manifest %s: not a regular file", path)
}

// fileError says the path once: a PathError repeats it.
func fileError(path string, err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("manifest %s: %w", path, err)
}
