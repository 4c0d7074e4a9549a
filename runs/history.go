package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// Summary says how a run went.
type Summary struct {
	Header

	Starts  int // how often it was started
	Records int // how many it has, those of all starts

	// How the last start ended: Result is "" while it goes on, and after it was
	// killed.
	Result, Message string
	Ended           time.Time

	Open    bool  // it is open, here or in another process
	Damaged int   // stretches of damaged lines
	Cut     int64 // bytes of torn lines that were cut off
	Size    int64 // of the file in bytes

	pid int
}

// List returns what runs there are, the newest first. It reads every file. Its error joins what is wrong with files that it cannot read; it
// returns the others all the same.
func (d *Dir) List(ctx context.Context) ([]Summary, error) {
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var list []Summary
	var failed []error
	for _, name := range names {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s, err := d.summary(name)
		switch {
		case err == nil:
			list = append(list, s)
		case !errors.Is(err, fs.ErrNotExist): // which was removed meanwhile, or has only begun
			failed = append(failed, err)
		}
	}
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return list, errors.Join(failed...)
}

// Stat returns the summary of one run. The error wraps [fs.ErrNotExist] if there
// is none.
func (d *Dir) Stat(id string) (Summary, error) {
	s, err := d.summary(fileName(id))
	if err != nil {
		return Summary{}, fmt.Errorf("run %s: %w", quoted(id), err)
	}
	return s, nil
}

// Read yields the records of a run in the order in which they were appended,
// up to the last that is there when it begins. An error is the last it yields,
// and wraps [fs.ErrNotExist] if there is no such run.
func (d *Dir) Read(id string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		stopped := false
		err := d.scan(fileName(id), func(_ *os.File, file *runFile) error {
			return file.each(context.Background(), func(_ int64, payload []byte) bool {
				if !isRecord(payload) {
					return true
				}
				if r, err := readRecord(payload); err == nil {
					stopped = !yield(r, nil)
				}
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(Record{}, fmt.Errorf("run %s: %w", quoted(id), err))
		}
	}
}

// names returns the names of all files of runs.
func (d *Dir) names() ([]string, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	all, err := dir.Readdirnames(-1)
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasSuffix(name, suffix) }), err
}

// scan opens a file to read it as it is now.
func (d *Dir) scan(name string, read func(*os.File, *runFile) error) error {
	f, err := d.openFile(name, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := openScan(scanner{from: f, size: info.Size()}, filepath.Join(d.path, name))
	if errors.Is(err, errEmpty) {
		return fs.ErrNotExist
	}
	if err == nil {
		err = read(f, file)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%s became shorter while it was read; read it again", filepath.Join(d.path, name))
	}
	return err
}

func (d *Dir) summary(name string) (Summary, error) {
	var s Summary
	err := d.scan(name, func(f *os.File, file *runFile) error {
		s = Summary{Header: file.header, Starts: 1, pid: file.pid, Size: file.lines.size}
		s.Open = d.holds(name) || private.Locked(f)
		err := file.each(context.Background(), func(_ int64, payload []byte) bool {
			if isRecord(payload) {
				s.Records++
				return true
			}
			entry, _, err := readHead(payload)
			if err != nil {
				s.Damaged++
			}
			s.add(entry)
			return true
		})
		s.Damaged += file.lines.damaged
		return err
	})
	return s, err
}

// add takes in a line that is not a record.
func (s *Summary) add(entry head) {
	switch {
	case entry.Start != nil:
		s.Starts, s.pid = max(s.Starts+1, entry.Start.Number), entry.Start.PID
		s.Cut += entry.Start.Cut
		s.Result, s.Message, s.Ended = "", "", time.Time{}
	case entry.Told != nil:
		s.Cut += entry.Told.Cut
	case entry.End != nil:
		s.Result, s.Message, s.Ended = entry.End.Result, entry.End.Message, entry.End.At
	}
}
