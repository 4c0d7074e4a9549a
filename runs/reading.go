package runs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// reading is the file of a dead run as far as it was read. It is not locked
// meanwhile: who would start that run does not have to wait.
type reading struct {
	info fs.FileInfo
	file *runFile
	left begun
}

// read reads a file to its end. With [errSpent] it goes on there the next time.
func (d *Dir) read(ctx context.Context, name string, budget *int64) (*reading, error) {
	f, err := d.openFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r := d.reading[name]
	delete(d.reading, name)
	if r == nil || !unchanged(r.info, info) {
		file, err := openScan(scanner{from: f, size: info.Size(), budget: budget}, filepath.Join(d.path, name))
		if err != nil {
			return nil, err
		}
		r = &reading{info: info, file: file}
	}
	r.file.lines.from, r.file.lines.budget = f, budget
	err = r.file.each(ctx, func(_ int64, payload []byte) bool {
		entry, _, _ := readHead(payload)
		r.left.add(entry)
		return true
	})
	if errors.Is(err, errSpent) {
		r.file.lines.buf = nil // of some size
		if d.reading == nil {
			d.reading = map[string]*reading{}
		}
		d.reading[name] = r
	}
	return r, err
}

// unchanged reports whether nobody has written to a file since.
func unchanged(was, is fs.FileInfo) bool {
	return os.SameFile(was, is) && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}
