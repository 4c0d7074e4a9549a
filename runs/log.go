package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// fileLog is the log of a run in a file.
type fileLog struct {
	dir    *Dir
	name   string
	f      *os.File
	first  Header
	starts int
	seed   uint32

	mu      sync.Mutex
	crashed []Crash      // earlier starts; until somebody asks
	owed    bool         // there were some, and what was told of them may be lost
	asked   time.Time    // when somebody did
	steps   map[Step]int // the numbers of those that were written
	heart   *time.Timer  // nil until the start is noted
	index   index
	end     int64 // of the last line
	torn    bool  // there may be something behind end
	missing bool  // a line of this start is
	failed  error // the disk may have lost records
	closed  bool
}

// Open implements [Store].
func (d *Dir) Open(ctx context.Context, h Header, accept func(first Header) error) (Log, error) {
	if d == nil {
		return nil, errors.New("the run store is nil; look at the error of runs.Open")
	}
	name := fileName(h.ID)
	f, err := d.take(ctx, name, os.O_CREATE)
	if err != nil {
		if errors.Is(err, os.ErrClosed) {
			err = fmt.Errorf("the store %s is closed: %w", d.path, os.ErrClosed)
		}
		if errors.Is(err, ErrBusy) {
			err = fmt.Errorf("%w%s; wait for its end, or give this run another id", err, d.holder(name))
		}
		return nil, fmt.Errorf("run %s: %w", quoted(h.ID), err)
	}
	l := &fileLog{dir: d, name: name, f: f, index: index{}}
	var refused error
	err = l.begin(ctx, h, func(first Header) error {
		if accept != nil {
			refused = accept(first)
		}
		return refused
	})
	if err != nil {
		_ = d.give(f, name)
		if refused != nil {
			return nil, refused
		}
		return nil, fmt.Errorf("run %s: %w", quoted(h.ID), err)
	}
	l.live()
	return l, nil
}

// holder says in brackets which process has a run open, as far as that is known.
func (d *Dir) holder(name string) string {
	s, err := d.summary(name)
	switch {
	case err != nil || s.pid == 0:
		return ""
	case s.pid == os.Getpid():
		return " (in this process)"
	default:
		return fmt.Sprintf(" (in process %d)", s.pid)
	}
}

// begin reads what the file has, and writes that the run starts.
func (l *fileLog) begin(ctx context.Context, h Header, accept func(Header) error) error {
	info, err := l.f.Stat()
	if err != nil {
		return err
	}
	path := filepath.Join(l.dir.path, l.name)
	file, err := openScan(scanner{from: l.f, size: info.Size()}, path)
	if errors.Is(err, errEmpty) {
		return l.create(h, info.Size())
	}
	if err != nil {
		return err
	}
	if file.header.ID != h.ID {
		return fmt.Errorf("%s holds the run %s; move it away", path, quoted(file.header.ID))
	}
	if err := accept(file.header); err != nil {
		return err
	}
	before, err := l.load(ctx, file)
	if err != nil {
		return err
	}
	l.end = file.lines.pos
	cut := info.Size() - l.end
	l.torn = cut > 0
	start := startEntry{Number: l.starts + 1, At: time.Now().UTC(), PID: os.Getpid(), Cut: cut}
	if isUnsure(info) {
		before.last = left{}
	}
	if before.open() {
		start.Alive = info.ModTime().UTC()
	}
	l.crashed = before.crashes(l.first, info.ModTime())
	l.owed = len(l.crashed) > 0
	err = l.write(head{Start: &start})
	if err != nil { // what was cut off, if anything, has changed the time
		_ = l.dir.root.Chtimes(l.name, time.Time{}, info.ModTime())
	}
	return err
}

// load reads all lines but the first.
func (l *fileLog) load(ctx context.Context, file *runFile) (before begun, err error) {
	l.first, l.seed, l.starts = file.header, file.lines.seed, 1
	err = file.each(ctx, func(at int64, payload []byte) bool {
		entry, _, _ := readHead(payload) // one that cannot be read is empty, and passed over
		before.add(entry)
		if r := entry.Record; r != nil {
			l.index.add(string(r.Kind), string(r.Path), r.Status, r.Kept, at)
		}
		if entry.Start != nil {
			l.starts = max(l.starts+1, entry.Start.Number)
		}
		return true
	})
	return before, err
}

// create writes the first line of a file, which may hold the torn beginning of
// one.
func (l *fileLog) create(h Header, size int64) error {
	if h.Started.IsZero() {
		h.Started = time.Now()
	}
	entry := newHeaderEntry(h, os.Getpid())
	l.first, l.torn = entry.header(), size > 0
	var buf bytes.Buffer
	if err := makeLine(&buf, head{Header: entry}, nil); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	seed, err := l.append(buf.Bytes())
	l.seed = seed
	if err == nil && l.dir.options.Sync {
		err = private.SyncDir(l.dir.root, ".")
	}
	return err
}

// write appends a line that is not a record.
func (l *fileLog) write(h head) error {
	var buf bytes.Buffer
	if err := makeLine(&buf, h, nil); err != nil {
		return err
	}
	_, err := l.append(buf.Bytes())
	return err
}

// append seals a line and writes it at the end of the file. The caller holds mu
// or is alone.
func (l *fileLog) append(line []byte) (sum uint32, err error) {
	if l.closed {
		return 0, fs.ErrClosed
	}
	sum, err = l.put(line)
	l.missing = l.missing || err != nil && l.heart != nil
	if l.missing { // and a line behind those has set the time
		l.sign()
	}
	return sum, err
}

func (l *fileLog) put(line []byte) (sum uint32, err error) {
	if l.failed != nil {
		return 0, l.failed
	}
	if l.torn {
		if err := l.f.Truncate(l.end); err != nil {
			return 0, err
		}
		l.torn = false
	}
	sum = sealLine(l.seed, line)
	if n, err := l.f.Write(line); err != nil {
		l.torn = n > 0 && l.f.Truncate(l.end) != nil
		return 0, err
	}
	if l.dir.options.Sync {
		if err := l.f.Sync(); err != nil {
			// The system may drop what it could not write and report it once.
			l.failed = fmt.Errorf("the disk failed earlier: %w", err)
			return 0, err
		}
	}
	l.end += int64(len(line))
	return sum, nil
}

func (l *fileLog) First() (Header, int) { return l.first, l.starts }

// buffers keep memory between appends.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (l *fileLog) Append(r Record) error {
	buf := buffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // as New makes it
	defer func() {
		if buf.Cap() <= 1<<20 {
			buffers.Put(buf)
		}
	}()
	err := makeRecord(buf, r)
	if err == nil {
		err = l.appendRecord(r, buf.Bytes())
	}
	if err != nil {
		return fmt.Errorf("run %s: record of %s %s: %w", quoted(l.first.ID), r.Kind, quoted(r.Path), err)
	}
	return nil
}

func (l *fileLog) appendRecord(r Record, line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.end
	if _, err := l.append(line); err != nil {
		return err
	}
	l.index.add(r.Kind, r.Path, r.Status, r.Outputs != nil, at)
	return nil
}

func (l *fileLog) Finished(kind, path string) (Record, bool, error) {
	l.mu.Lock()
	at, ok := l.index[scopeOf(kind, path)]
	end, closed := l.end, l.closed
	l.mu.Unlock()
	var r Record
	var err error
	switch {
	case closed:
		err = fs.ErrClosed
	case !ok || at == notKept:
		return Record{}, false, nil
	default:
		r, err = l.read(at, end)
	}
	if err == nil && (r.Kind != kind || r.Path != path || !finished(r.Status)) {
		err = errors.New("another record stands in its place")
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("run %s: %s %s: %w", quoted(l.first.ID), kind, quoted(path), err)
	}
	return r, true, nil
}

// read returns the record that begins at an offset.
func (l *fileLog) read(at, end int64) (Record, error) {
	const most = 4 << 10 // lines are not longer
	line := make([]byte, min(most, end-at))
	if _, err := l.f.ReadAt(line, at); err != nil {
		return Record{}, err
	}
	_, size, ok := readPrefix(line)
	if need := prefixLen + size + 1; ok && need > len(line) && int64(need) <= end-at {
		line = append(make([]byte, 0, need), line...)[:need]
		if _, err := l.f.ReadAt(line[most:], at+most); err != nil && !errors.Is(err, io.EOF) {
			return Record{}, err
		}
	}
	_, payload, ok := readLine(l.seed, line)
	if !ok {
		return Record{}, errors.New("its record was damaged since the run was opened; start the run again")
	}
	return readRecord(payload)
}

func (l *fileLog) Close(result, message string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	var err error
	if result != "" {
		untold := l.owed && l.asked.IsZero()
		err = l.write(head{End: &endEntry{Left: untold, Result: result, Message: message, At: time.Now().UTC()}})
	}
	l.closed, l.index = true, nil
	l.heart.Stop()
	if err := errors.Join(err, l.dir.give(l.f, l.name)); err != nil {
		return fmt.Errorf("run %s: end: %w", quoted(l.first.ID), err)
	}
	return nil
}
