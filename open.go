package spanloom

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/output"
	"github.com/spanloom/spanloom/internal/tryout"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/telemetry"
)

func init() { //nolint:gochecknoinits // a backend process must not get as far as main
	pluginhost.ServeIfBackend(catalog.Lookup)
}

// Option changes how [Open] finds the manifest.
type Option func(*options)

type options struct {
	path     string
	embedded []byte
	only     string
	unlocked bool
	service  string
	spool    string

	providers Providers

	reload  bool
	signals []os.Signal
}

// WithManifest names the manifest. It must be there.
func WithManifest(path string) Option {
	return func(o *options) { o.path = path }
}

// WithEmbeddedManifest gives the manifest that counts when no file is found.
// Its relative paths start from the working directory.
func WithEmbeddedManifest(data []byte) Option {
	return func(o *options) { o.embedded = data }
}

// OnlyBackend starts, of the backends in the manifest, the one of that name only.
// There being none is an [*UnknownBackendError].
func OnlyBackend(name string) Option {
	return func(o *options) { o.only = name }
}

// AllowUnlocked starts also those backends that the lock file does not have, or not
// with the bytes that their files have, and warns of each at each start. It is for who
// develops a backend: give it for a flag of the command line, and never for a variable
// of the environment or a setting in a file, with which others could turn it on.
func AllowUnlocked() Option {
	return func(o *options) { o.unlocked = true }
}

// UnknownBackendError says that the manifest has no backend of a name.
type UnknownBackendError struct {
	Name string
	// Known are the names that there are.
	Known []string
}

// Error implements error.
func (e *UnknownBackendError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no backend %q: the manifest has none", e.Name)
	}
	return fmt.Sprintf("there is no backend %q; the manifest has: %s", e.Name, strings.Join(e.Known, ", "))
}

// Open starts what the manifest names and returns at once: what is emitted
// while a backend starts waits for it. Only for backends that the manifest calls
// required does it wait until they take events, or cannot; ctx bounds that, and
// is not kept. The error is [manifest.Errors] when the manifest or the
// environment has mistakes; nothing is started then. When a required backend
// does not start, it says which and why, and all are ended.
//
// Every opened Telemetry must be shut down. Opening twice gives two independent
// sets of backends, which one run may have both: see [Telemetry.Callbacks].
func Open(ctx context.Context, opts ...Option) (_ *Telemetry, err error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	t := &Telemetry{
		stderr: output.New(output.File(os.Stderr)), set: pluginhost.NewSet(),
		own: own{given: o.providers.real(), leave: func() {}, sampler: telemetry.Sampler{Ratio: 1}},
	}
	t.reloading.hear(o.signals)
	defer func() {
		if err != nil {
			t.reloading.unhear()
		}
	}()
	settings := manifest.Options{Terminal: terminal(os.Stderr).IsTerminal}
	if manifest.Disabled(settings) {
		return t, nil
	}
	m, err := catalog.Load(o.path, o.embedded, settings)
	if err != nil {
		return nil, err //nolint:wrapcheck // each of its lines begins with its place
	}
	t.timeout.Store(int64(m.Telemetry.ShutdownTimeout))
	trial := tryout.Is(ctx)
	if !trial {
		for _, w := range m.Warnings {
			fmt.Fprintln(t.stderr, m.Redact(w.Error()))
		}
	}
	t.stderr.Settle() // what the program prints next comes next
	if !m.Telemetry.Enabled && !o.reload {
		return t, nil
	}
	list, err := chosen(m, m.Telemetry, &o)
	if err != nil {
		return nil, err
	}
	if o.unlocked && catalog.HasOutside(m) {
		fmt.Fprintln(t.stderr, "backends run whether or not the lock file allows them: AllowUnlocked is for development (warning)")
	}
	t.reloading.options = o
	if err := t.openLog(m); err != nil {
		return nil, err
	}
	if trial {
		for i := range list {
			list[i].Durable = nil
			list[i].Logger = slog.New(slog.DiscardHandler) // the caller tells
		}
	}
	t.start(list)
	err = t.openOwn(ctx, m)
	if err == nil && !trial {
		err = t.required(ctx, m)
	}
	if err != nil {
		t.abandon(ctx)
		return nil, err
	}
	t.openReload(m, list)
	return t, nil
}

// chosen returns what a manifest says to start, or of it the one backend that o names.
// The service is that of opened.
// Its error is [manifest.Errors] when the lock file's schemas find mistakes in configs.
func chosen(m *manifest.Manifest, opened manifest.Telemetry, o *options) ([]entry, error) {
	if !m.Telemetry.Enabled {
		return nil, nil
	}
	lock := catalog.ReadLock(m)
	if !o.unlocked { // else the backend's own schema counts, once it has started
		if faults := lock.CheckConfigs(); len(faults) > 0 {
			return nil, faults
		}
	}
	list := specs(m, opened, lock, o.unlocked)
	if o.only == "" {
		return list, nil
	}
	return pick(list, o.only)
}

// pick returns the backend of a name.
func pick(list []entry, name string) ([]entry, error) {
	e := &UnknownBackendError{Name: name}
	for _, spec := range list {
		if spec.Name == name {
			return []entry{spec}, nil
		}
		e.Known = append(e.Known, spec.Name)
	}
	return nil, e
}

// entry is a backend of a manifest.
type entry struct {
	pluginhost.Spec

	// sum differs when the backend has to be another.
	sum string
}

// specs returns what a manifest says to start: of what is not built in, the bytes that
// the lock file has, or with unlocked any. The service is that of opened.
func specs(m *manifest.Manifest, opened manifest.Telemetry, lock *catalog.Lock, unlocked bool) []entry {
	service := serviceOf(opened)
	var list []entry
	for i, b := range m.Telemetry.Backends {
		builtIn, ok := catalog.Lookup(b.Plugin)
		spec := pluginhost.Spec{
			Name: b.Name, Config: b.Config, Service: service, Redact: m.Redact,
			Place:        place(m, catalog.Path(i)),
			Required:     b.Required,
			Env:          environmentOf(b, ok),
			StartTimeout: b.StartTimeout,
			QueueBytes:   b.Queue.Bytes,
			Overflow:     pluginhost.Overflow(b.Queue.Overflow),
			Durable:      durableOf(m, opened.Service, b),
			Tracing:      tracingOf(m.Telemetry),
			// The console shows runs, not traces.
			Unsampled: b.Plugin == "console" || len(m.Telemetry.Sampling.Keep) > 0,
			Capture: privacy.Capture{
				Inputs: m.Telemetry.Capture.Inputs, Outputs: m.Telemetry.Capture.Outputs,
				Limit: m.Telemetry.Capture.Limit, Redactor: m.Redactor(),
			},
		}
		if ok {
			spec.Launch = pluginhost.Self(builtIn)
		} else if b.Address != "" {
			// What is wrong with its files was found when the manifest was loaded; without
			// authorities nobody is trusted.
			secure, err := catalog.TLS(&b)
			if err != nil {
				secure = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()}
			}
			spec.Launch = pluginhost.Remote(b.Address, secure)
		} else if exe, outside := lock.Executable(i, unlocked); outside {
			spec.Launch = exe
		}
		if m.File != "" {
			spec.KeyPlace = func(key string) string { return place(m, catalog.ConfigPath(i, key)) }
		}
		if !ok { // of a built-in one the schema was known
			spec.CheckConfig = func(schema []byte) error { return m.CheckConfig(i, schema) }
		}
		list = append(list, entry{spec, sumOf(m, b, &spec, lock.Allowed(i))})
	}
	return list
}

// tracingOf returns which spans backends make.
func tracingOf(t manifest.Telemetry) backend.Tracing {
	tr := backend.Tracing{
		MapItems: t.Trace.MapItems, MaxPerMap: t.Trace.MaxPerMap,
		KeepFailed: slices.Contains(t.Sampling.Keep, "failed"),
	}
	if slices.Contains(t.Sampling.Keep, "slow") {
		tr.KeepSlow = t.Sampling.Slow
	}
	return tr
}

// required waits for the backends without which the program must not begin.
func (t *Telemetry) required(ctx context.Context, m *manifest.Manifest) error {
	var errs []error
	hosts := t.set.Hosts()
	for _, b := range m.Telemetry.Backends {
		i := slices.IndexFunc(hosts, func(h *pluginhost.Host) bool { return h.Name() == b.Name })
		if b.Required && i >= 0 {
			errs = append(errs, hosts[i].Ready(ctx))
		}
	}
	return errors.Join(errs...)
}

// abandon ends what was started, because the rest cannot be.
func (t *Telemetry) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(t.timeout.Load()))
	defer cancel()
	_, _ = t.own.shutdown(ctx)
	var all sync.WaitGroup
	for _, h := range t.set.Hosts() {
		all.Go(func() { _ = h.Shutdown(ctx) }) // nothing was emitted
	}
	all.Wait()
}

// place returns file:line:column of a path in m, or "" when m is of no file.
func place(m *manifest.Manifest, path string) string {
	if m.File == "" {
		return ""
	}
	e := m.Errorf(path, "")
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Path)
}
