package spanloom

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spanloom/spanloom/internal/control"
	"github.com/spanloom/spanloom/manifest"
)

// maxReload bounds a reload that nobody waits for.
const maxReload = time.Minute

// openReload begins to listen to those who may ask for a reload.
func (t *Telemetry) openReload(m *manifest.Manifest, list []entry) {
	r := &t.reloading
	r.opened, r.file, r.entries = m, m.File, list
	if !r.options.reload {
		return
	}
	r.turn = make(chan struct{}, 1)
	r.ctx, r.end = context.WithCancel(context.Background())
	l, err := control.Listen(func(ctx context.Context) control.Answer { return t.reloadNow(ctx) })
	if err != nil { // there are other ways
		t.logger().Warn("spanloom reload cannot reach this program", "reason", err.Error())
	}
	r.control = l
	if r.asked != nil {
		r.watch.Go(func() {
			for {
				select {
				case <-r.asked:
					t.reloadNow(r.ctx)
				case <-r.ctx.Done():
					return
				}
			}
		})
	}
}

// endReload ends a reload that is under way, and lets none begin. For one that hangs, as
// the disk may, it waits for half of the time of ctx: it changes nothing any more.
func (t *Telemetry) endReload(ctx context.Context) {
	r := &t.reloading
	if r.turn == nil {
		return
	}
	r.mu.Lock() // either it has exchanged the backends, or it will not
	r.end()
	r.mu.Unlock()
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r.control != nil {
			r.control.Close()
		}
		r.watch.Wait()
		r.turn <- struct{}{}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// reloadNow reloads and says in the log what came of it.
func (t *Telemetry) reloadNow(ctx context.Context) control.Answer {
	ctx, cancel := context.WithTimeout(ctx, maxReload)
	defer cancel()
	done, err := t.Reload(ctx)
	if err != nil {
		t.logger().ErrorContext(ctx, "telemetry is not reloaded, and stays as it was",
			"error", strings.ReplaceAll(err.Error(), "\n", "; ")) // mistakes of a manifest have a line each
		_, invalid := errors.AsType[manifest.Errors](err)
		return control.Answer{Error: absolute(err), Invalid: invalid}
	}
	t.logger().InfoContext(ctx, "telemetry is reloaded", "added", done.Added, "replaced", done.Replaced, "removed", done.Removed, "same", done.Same, "later", done.Later)
	list := func(names []string) []string { return append([]string{}, names...) } // in JSON, not null
	return control.Answer{
		Added: list(done.Added), Replaced: list(done.Replaced), Removed: list(done.Removed),
		Same: list(done.Same), Later: list(done.Later),
	}
}

// placed is a line that begins with its place in a file.
var placed = regexp.MustCompile(`(?m)^[^:\n]+:[0-9]+:[0-9]+: `)

// absolute is the text of an error for somebody in another directory than the program's.
func absolute(err error) string {
	return placed.ReplaceAllStringFunc(err.Error(), func(place string) string {
		if path, err := filepath.Abs(place); err == nil {
			return path
		}
		return place
	})
}
