package spanloom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/spool"
	"github.com/spanloom/spanloom/internal/spooldir"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// durableOf returns how a backend's telemetry of a service is kept on the disk; nil when
// it is not.
func durableOf(m *manifest.Manifest, s manifest.Service, b manifest.Backend) *pluginhost.Durable {
	if !b.Delivery.Durable {
		return nil
	}
	d := durableIn(spooldir.Of(m, s, b), m, s, b)
	d.Others = func() []slog.Attr { return othersOf(m, s, b) }
	return d
}

// durableIn returns how a backend's telemetry of a service is kept in a directory.
func durableIn(dir string, m *manifest.Manifest, s manifest.Service, b manifest.Backend) *pluginhost.Durable {
	return &pluginhost.Durable{
		Dir: dir, MaxBytes: b.Delivery.MaxBytes, MaxAge: b.Delivery.MaxAge,
		Replay: spooldir.Replay(m, s, b, dir),
	}
}

// othersOf returns what to say of what is kept of a backend for services with other
// names; nil when there is nothing.
func othersOf(m *manifest.Manifest, s manifest.Service, b manifest.Backend) []slog.Attr {
	list := spooldir.Others(m, s, b)
	if len(list) == 0 {
		return nil
	}
	o := list[0]
	fix := "to send them, run: " + o.Replay
	if more := len(list) - 1; more > 0 {
		fix += fmt.Sprintf("; spanloom doctor tells of %d more services", more)
	}
	return []slog.Attr{slog.String("service", o.Service), slog.Uint64("events", o.Events), slog.String("dir", o.Dir), slog.String("fix", fix)}
}

// ForService has [Replay] send what is kept for the service of that name, under that
// name, whatever the manifest says.
func ForService(name string) Option {
	return func(o *options) { o.service = name }
}

// FromSpool has [Replay] send what is in that directory, by the backend that
// [OnlyBackend] names, whatever the manifest says of its delivery. The directory is that
// of the backend's spool, as the line names it that tells of what is kept. The
// max_age of the manifest counts, if it has one.
func FromSpool(dir string) Option {
	return func(o *options) { o.spool = dir }
}

// Replay starts the backends of the manifest whose delivery is durable, sends what
// earlier runs of programs with that manifest have left in their spools, and ends
// them. It returns what became of it: see [pluginhost.Stats.Spool]. It needs the
// name of the service in the manifest or the environment, under which it is sent.
//
// With telemetry off it does nothing. What programs that run now have not delivered is
// theirs. The error says what could
// not be tried; ctx bounds the time, but for at most a second in which the backends end,
// and what is left then is kept.
func Replay(ctx context.Context, opts ...Option) ([]pluginhost.Stats, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if manifest.Disabled(manifest.Options{}) {
		return nil, nil
	}
	m, err := catalog.Load(o.path, o.embedded, manifest.Options{})
	if err != nil {
		return nil, err //nolint:wrapcheck // each of its lines begins with its place
	}
	if !m.Telemetry.Enabled {
		return nil, nil
	}
	if o.service != "" {
		m.Telemetry.Service.Name = o.service
	}
	list := specs(m, m.Telemetry, catalog.ReadLock(m), o.unlocked)
	if o.spool != "" {
		if err := fromSpool(list, m, &o); err != nil {
			return nil, err
		}
	}
	list = slices.DeleteFunc(list, func(e entry) bool { return e.Durable == nil })
	if o.only != "" {
		if list, err = pick(list, o.only); err != nil {
			return nil, err
		}
	}
	if len(list) > 0 && m.Telemetry.Service.Name == "" {
		return nil, errors.New("the service has no name under which to send: write telemetry.service.name, or set OTEL_SERVICE_NAME as for the program")
	}
	stats, errs := make([]pluginhost.Stats, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i, spec := range list {
		all.Go(func() { stats[i], errs[i] = replay(ctx, spec.Spec, m) })
	}
	all.Wait()
	return stats, errors.Join(errs...)
}

// fromSpool has the one backend that o names send what is in the directory that o names.
func fromSpool(list []entry, m *manifest.Manifest, o *options) error {
	if o.only == "" {
		return errors.New("one directory has the telemetry of one backend: say with OnlyBackend of which")
	}
	if !spool.Exists(o.spool) {
		return fmt.Errorf("there is no spool in %s; its directory is the one in the line about what is kept", o.spool)
	}
	for i, b := range m.Telemetry.Backends {
		if b.Name == o.only {
			list[i].Durable = durableIn(o.spool, m, m.Telemetry.Service, b)
		}
	}
	return nil
}

// endOfReplay is the most time for a backend to say what it has not exported, and to end.
const endOfReplay = time.Second

// replay sends what is in one spool.
func replay(ctx context.Context, spec pluginhost.Spec, m *manifest.Manifest) (pluginhost.Stats, error) {
	h := pluginhost.Start(spec)
	err := h.Replay(ctx)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(m.Telemetry.ShutdownTimeout, endOfReplay))
	defer cancel()
	_ = h.Shutdown(end) // what it could not send is kept
	if line, ok := h.Kept(); ok {
		err = errors.New(line)
	} else if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("backend %q: %w", spec.Name, context.Cause(ctx))
	}
	return h.Stats(), err
}
