package spanloom

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/internal/output"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

func init() { //nolint:gochecknoinits // a backend process must not get as far as main
	pluginhost.ServeIfBackend(catalog.Lookup)
}

// Option changes how [Open] finds the manifest.
type Option func(*options)

type options struct {
	path     string
	embedded []byte
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

const defaultShutdownTimeout = 3 * time.Second

// Open starts what the manifest names and returns at once: what is emitted
// while a backend starts waits for it. The error is [manifest.Errors] when the
// manifest has mistakes; nothing is started then.
//
// ctx is not kept. Every opened Telemetry must be shut down. Opening twice gives
// two independent sets of backends.
func Open(_ context.Context, opts ...Option) (*Telemetry, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	t := &Telemetry{timeout: defaultShutdownTimeout, stderr: output.New(os.Stderr)}
	if disabled() {
		return t, nil
	}
	m, err := catalog.Load(o.path, o.embedded)
	if err != nil {
		return nil, err //nolint:wrapcheck // each of its lines begins with its place
	}
	if m == nil {
		t.start(fromEnvironment())
		return t, nil
	}
	t.timeout = m.Telemetry.ShutdownTimeout
	for _, w := range m.Warnings {
		fmt.Fprintln(t.stderr, m.Redact(w.Error()))
	}
	t.stderr.Settle() // what the program prints next comes next
	if !m.Telemetry.Enabled {
		return t, nil
	}
	t.start(fromManifest(m))
	return t, nil
}

// fromManifest returns what a manifest says to start.
func fromManifest(m *manifest.Manifest) []pluginhost.Spec {
	s := m.Telemetry.Service
	service := backend.Service{Name: serviceName(s.Name), Version: s.Version, Namespace: s.Namespace}
	var list []pluginhost.Spec
	for i, b := range m.Telemetry.Backends {
		spec := pluginhost.Spec{
			Name: b.Name, Config: b.Config, Service: service, Redact: m.Redact,
			Place:    place(m, catalog.Path(i)),
			KeyPlace: func(key string) string { return place(m, catalog.ConfigPath(i, key)) },
		}
		builtIn, ok := catalog.Lookup(b.Plugin)
		switch {
		case ok:
			spec.Launch, spec.Env = pluginhost.Self(builtIn), environment(b.Plugin)
		case len(b.Command) > 0:
			spec.Launch = pluginhost.Command(b.Command[0], b.Command[1:]...)
		default:
			spec.Launch = pluginhost.Command(catalog.PathOf(b.Plugin, m.Plugins.Dirs))
		}
		if !ok { // of a built-in one the schema was known
			spec.CheckConfig = func(schema []byte) error { return m.CheckConfig(i, schema) }
		}
		list = append(list, spec)
	}
	return list
}

// place returns file:line:column of a path in m.
func place(m *manifest.Manifest, path string) string {
	e := m.Errorf(path, "")
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Path)
}

// fromEnvironment returns what to start when there is no manifest.
func fromEnvironment() []pluginhost.Spec {
	service := backend.Service{Name: serviceName("")}
	var list []pluginhost.Spec
	add := func(name string) {
		b, _ := catalog.Lookup(name)
		list = append(list, pluginhost.Spec{
			Name: name, Launch: pluginhost.Self(b), Service: service, Env: environment(name),
		})
	}
	if terminal(os.Stderr).IsTerminal {
		add("console")
	}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		add("otlp")
	}
	return list
}
