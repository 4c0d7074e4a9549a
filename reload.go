package spanloom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/control"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// WithReload lets telemetry change while the program runs: by [Telemetry.Reload], by the
// command "spanloom reload", and when the process gets one of signals, mostly
// syscall.SIGHUP. Without any, no signal is touched. Those that are named do not end the
// program from the beginning of [Open] to the end of [Telemetry.Shutdown], also with
// telemetry off.
//
// What [Telemetry.Callbacks] returns then feeds the backends that there are at each
// moment, also in runs that go on. It is never nil: a program without a backend pays for
// the events all the same.
func WithReload(signals ...os.Signal) Option {
	return func(o *options) { o.reload, o.signals = true, signals }
}

// Reloaded is what a reload has done: names of backends in each list but the last.
type Reloaded struct {
	// Added are new, Replaced run with another entry or file, Removed are gone, and
	// Same were not touched.
	Added, Replaced, Removed, Same []string
	// Later are the paths of settings that are not as this program has them, and that a
	// program takes when it starts, such as telemetry.service.name.
	Later []string
}

// reloading is what a Telemetry needs to be reloaded.
type reloading struct {
	options options
	turn    chan struct{}   // held by whoever reloads
	ctx     context.Context //nolint:containedctx // ends at Shutdown
	end     context.CancelFunc
	watch   sync.WaitGroup
	control *control.Listener
	asked   chan os.Signal // gets the signals; nil when there are none

	opened *manifest.Manifest // whose settings for the next start hold until then

	// Held by the turn.
	file    string  // the manifest of the last reload, or of Open
	entries []entry // those of the set's hosts, in their order

	mu       sync.Mutex
	draining []*pluginhost.Host
	past     []bygone // of backends that were replaced or removed
}

var errNoReload = errors.New("telemetry cannot be reloaded: open it with spanloom.WithReload")

// Reload reads the manifest again and makes telemetry as it says. It needs
// [WithReload], and works on what that was opened with: the same file, or what is now
// found in its place. When there was a file and nothing is found, that is a mistake.
//
// It happens as a whole or not at all. When the manifest has mistakes, which the error
// has with their places as that of [Open], or a new backend does not become ready,
// nothing changes. Otherwise the backends whose entries, files, variables or sums in the
// lock file have changed are replaced, and those that are down if they start now: the new
// one is up before the old one hears no more, and the old one is then given the time of
// shutdown_timeout to export what it has. What it cannot export
// by then is lost, which a line on standard error says, or with a durable delivery is
// left to its successor, or, when that has no delivery or another directory, to the next
// start with the same one, which a line says, too. Others are not touched.
//
// Changes of these settings take effect too: telemetry.enabled, .backends, .capture (for
// what is sent with events), .sampling, .trace.map_items, .trace.max_per_map,
// .logs.level and .shutdown_timeout. What else has changed is in Reloaded.Later.
//
// Reload returns when all is done; reloads come one after another. When ctx ends before
// the backends were exchanged nothing changes, and afterwards the old ones get no more
// time. Shutdown ends it in the same way.
func (t *Telemetry) Reload(ctx context.Context) (Reloaded, error) {
	r := &t.reloading
	if r.turn == nil {
		return Reloaded{}, errNoReload
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return Reloaded{}, fmt.Errorf("reload: %w", ctx.Err())
	}
	if err := r.over(ctx); err != nil {
		return Reloaded{}, err
	}
	m, err := catalog.Load(r.options.path, r.options.embedded, manifest.Options{Terminal: terminal(os.Stderr).IsTerminal})
	if err != nil {
		return Reloaded{}, err //nolint:wrapcheck // each of its lines begins with its place
	}
	if r.file != "" && m.File == "" {
		return Reloaded{}, manifest.Errors{{
			File: r.file, Line: 1, Column: 1,
			Message: "the file is gone; restore it, or, to switch telemetry off, let it say telemetry.enabled: false",
		}}
	}
	list, err := chosen(m, r.opened.Telemetry, &r.options)
	if err != nil {
		return Reloaded{}, err
	}
	for _, e := range list {
		if e.Durable != nil {
			e.Durable.Others = nil // Open has told of them
		}
	}
	if err := r.over(ctx); err != nil { // the disk may have taken its time
		return Reloaded{}, err
	}
	c, err := t.prepare(ctx, list)
	if err != nil {
		return Reloaded{}, err
	}
	c.done.Later = later(r.opened, m)
	if err := t.exchange(ctx, c, list, m); err != nil {
		t.stop(ctx, c.news)
		return Reloaded{}, err
	}
	return c.done, nil
}

// over says why a reload may not go on; nil when it may.
func (r *reloading) over(ctx context.Context) error {
	switch {
	case r.ctx.Err() != nil:
		return fmt.Errorf("reload: %w", pluginhost.ErrClosed)
	case ctx.Err() != nil:
		return fmt.Errorf("reload: %w", ctx.Err())
	default:
		return nil
	}
}

// logger returns where to say what concerns backends.
func (t *Telemetry) logger() *slog.Logger {
	if t.log != nil {
		return t.log
	}
	return newDefaultLog(t.stderr)
}
