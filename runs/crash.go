package runs

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/spanloom/spanloom/internal/private"
)

// sweepAgain is the least time between two looks at all runs of a directory.
const sweepAgain = time.Minute

// Crashes implements [Log].
func (l *fileLog) Crashes(ctx context.Context) (list []Crash) {
	l.mu.Lock()
	if l.crashed != nil {
		list = append(list, *l.crashed)
		l.crashed = nil
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
	names, _ := d.names()
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		if d.holds(name) || !d.suspect(name) {
			continue
		}
		if c := d.closeCrashed(ctx, name); c != nil {
			list = append(list, *c)
		}
	}
	return list
}

// suspect reports whether a file looks like one of a run whose process has died. It
// reads the end of the file only.
func (d *Dir) suspect(name string) bool {
	f, err := d.openFile(name, os.O_RDONLY)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	tail := make([]byte, min(info.Size(), 4<<10))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil || isOver(tail) {
		return false
	}
	return !private.Locked(f)
}

// closeCrashed returns what a run has left open; nil when it is open in another
// process after all, has ended, or cannot be read.
func (d *Dir) closeCrashed(ctx context.Context, name string) *Crash {
	f, err := d.take(ctx, name, 0)
	if err != nil {
		return nil
	}
	l := &fileLog{dir: d, name: name, f: f, index: index{}}
	defer func() { _ = d.give(f, name) }()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	file, err := openScan(f, info.Size(), filepath.Join(d.path, name))
	if err != nil {
		return nil
	}
	cut, err := l.load(ctx, file, info)
	if err != nil || l.over {
		return nil
	}
	if l.write(head{Told: &toldEntry{time.Now().UTC(), os.Getpid(), cut}}) != nil {
		return nil // it would be told again and again
	}
	return l.crashed
}
