package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// Prune removes the oldest finished runs until keep of them are left, and returns
// how many it removed. A run that is open, or that was killed and can be
// continued, does not count and stays; [Dir.Remove] removes the latter.
func (d *Dir) Prune(ctx context.Context, keep int) (removed int, err error) {
	list, err := d.List(ctx)
	failed := []error{err}
	for _, s := range list { // the newest first
		if s.Open || s.Result == "" {
			continue
		}
		if keep--; keep >= 0 {
			continue
		}
		switch err := d.remove(ctx, fileName(s.ID), s.Size); {
		case err == nil:
			removed++
		case ctx.Err() != nil:
			return removed, context.Cause(ctx)
		case !errors.Is(err, ErrBusy) && !errors.Is(err, fs.ErrNotExist): // started again or removed meanwhile
			failed = append(failed, fmt.Errorf("run %s: %w", quoted(s.ID), err))
		}
	}
	return removed, errors.Join(failed...)
}

// Remove removes a run, in whatever state it is. The error wraps [ErrBusy] if it
// is open, and [fs.ErrNotExist] if there is none.
func (d *Dir) Remove(ctx context.Context, id string) error {
	if err := d.remove(ctx, fileName(id), -1); err != nil {
		return fmt.Errorf("run %s: %w", quoted(id), err)
	}
	return nil
}

// remove removes a file if it is of that size still; any size is right if it is
// negative.
func (d *Dir) remove(ctx context.Context, name string, size int64) error {
	f, err := d.take(ctx, name, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil || size >= 0 && info.Size() != size {
		return errors.Join(err, d.give(f, name), ErrBusy)
	}
	if runtime.GOOS == "windows" { // which removes no open file
		_ = f.Close()
	}
	err = d.root.Remove(name)
	if closed := d.give(f, name); !errors.Is(closed, os.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}
