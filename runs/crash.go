package runs

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

const (
	// sweepAgain is the least time between two looks at all runs of a directory.
	sweepAgain = time.Minute

	// sweepMost is how much one look reads, in bytes; a start waits for it.
	sweepMost = 32 << 20
)

// Crashes implements [Log].
func (l *fileLog) Crashes(ctx context.Context) []Crash {
	l.mu.Lock()
	list := l.crashed
	l.crashed = nil
	if l.asked.IsZero() {
		l.asked = time.Now()
	}
	l.mu.Unlock()
	return append(list, l.dir.sweep(ctx)...)
}

// sweep returns what other runs have left open whose process has died, and notes
// that it was told. Where locks do not exist it is not known whether another
// process is at them.
func (d *Dir) sweep(ctx context.Context) (list []Crash) {
	if !private.CanLock {
		return nil
	}
	d.sweeping.Lock()
	defer d.sweeping.Unlock()
	if !d.swept.IsZero() && time.Since(d.swept) < sweepAgain {
		return nil
	}
	d.swept = time.Now()
	found := d.suspects(ctx)
	maps.DeleteFunc(d.reading, func(name string, _ *reading) bool { return found[name] == nil })
	budget := int64(sweepMost)
	// A long file does not keep the others waiting.
	names := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(found[a].Size(), found[b].Size()), cmp.Compare(a, b))
	})
	for _, name := range names {
		if ctx.Err() != nil || budget <= 0 {
			break
		}
		list = append(list, d.closeCrashed(ctx, name, &budget)...)
	}
	return list
}

// suspects returns the files that look like those of runs whose process has died.
func (d *Dir) suspects(ctx context.Context) map[string]fs.FileInfo {
	found := map[string]fs.FileInfo{}
	names, _ := d.names()
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		if d.holds(name) {
			continue
		}
		if info, ok := d.suspect(name); ok {
			found[name] = info
		}
	}
	return found
}

// suspect reports whether a file looks so. It reads its end only.
func (d *Dir) suspect(name string) (fs.FileInfo, bool) {
	f, err := d.openFile(name, os.O_RDONLY)
	if err != nil {
		return nil, false
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || isUnsure(info) {
		return nil, false
	}
	tail := make([]byte, min(info.Size(), 4<<10))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil || isOver(tail) {
		return nil, false
	}
	return info, !private.Locked(f)
}

// isOver reports whether the end of a file says that its last start has ended, and
// no earlier one is left, or that what was open was told. It may say no where that is
// so.
func isOver(tail []byte) bool {
	tail, whole := bytes.CutSuffix(tail, []byte{'\n'})
	line := tail[bytes.LastIndexByte(tail, '\n')+1:]
	if !whole || len(line) < prefixLen {
		return false
	}
	payload := line[prefixLen:]
	if bytes.HasPrefix(payload, []byte(`{"end":`)) {
		return !bytes.HasPrefix(payload, []byte(`{"end":{"left":true`))
	}
	return bytes.HasPrefix(payload, []byte(`{"told":`))
}

// closeCrashed returns what a run has left open; nothing when it is open in another
// process after all, has ended, cannot be read, or was not yet read to its end.
func (d *Dir) closeCrashed(ctx context.Context, name string, budget *int64) []Crash {
	r, err := d.read(ctx, name, budget)
	if err != nil || r.left.isOver() {
		return nil
	}
	f, err := d.take(ctx, name, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = d.give(f, name) }()
	info, err := f.Stat()
	if err != nil || !unchanged(r.info, info) {
		return nil
	}
	l := &fileLog{dir: d, name: name, f: f, seed: r.file.lines.seed, end: r.file.lines.pos}
	cut := info.Size() - l.end
	l.torn = cut > 0
	if l.write(head{Told: &toldEntry{time.Now().UTC(), os.Getpid(), cut}}) != nil {
		return nil // it would be told again and again
	}
	return r.left.crashes(r.file.header, info.ModTime())
}
