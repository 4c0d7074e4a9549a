package spanloom

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/log"
	lognoop "go.opentelemetry.io/otel/log/noop"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/internal/output"
	"github.com/spanloom/spanloom/logs"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/metrics"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/propagation"
	"github.com/spanloom/spanloom/telemetry"
	"github.com/spanloom/spanloom/telemetry/providers"
)

// own is the telemetry that the program itself makes: spans, metrics and log
// records of node code, the metrics of all runs, and lines of what happens in
// them. Its fields are nil where nobody would get it.
type own struct {
	given     Providers
	redactor  *privacy.Redactor
	leave     func() // the program's provider
	conn      *grpc.ClientConn
	providers *providers.Providers
	metrics   *metrics.Callback
	logger    *slog.Logger
	later     logs.Later // what lifecycle has to say
	lifecycle callbacks.PipelineCallback
	incoming  propagation.Config
	sampler   telemetry.Sampler
	ratio     atomic.Uint64 // the bits of that of sampler, as it is now
}

// openOwn makes what the program's own telemetry goes through, to the backends
// that have been started.
func (t *Telemetry) openOwn(ctx context.Context, m *manifest.Manifest) error {
	tel := m.Telemetry
	t.own.redactor = m.Redactor()
	t.own.incoming = propagation.Config{
		TrustIncoming: tel.Propagation.TrustIncoming, Hosts: tel.Propagation.Hosts, Baggage: tel.Propagation.Baggage,
	}
	// The environment is that of whoever started this program, and is trusted.
	outer, _ := propagation.OTel{}.RunIdentity(propagation.FromEnvironment(context.Background()))
	t.own.sampler = telemetry.Sampler{
		OTel: propagation.OTel{Outer: outer, Namespace: tel.Service.Namespace}, Ratio: tel.Sampling.Ratio, Linked: tel.Trace.Mode == "linked",
	}
	if len(t.set.Hosts()) > 0 || t.reloading.options.reload {
		if err := t.openProviders(ctx, tel, serviceOf(tel)); err != nil {
			return err
		}
	}
	t.own.ratio.Store(math.Float64bits(tel.Sampling.Ratio))
	c := logs.Config{Level: tel.Logs.Level, Format: tel.Logs.Format, LevelVar: &t.level, Later: &t.own.later}
	if tel.Logs.Forward && t.own.providers != nil {
		c.Provider = t.own.providers.LoggerProvider()
	}
	c.Redactor = t.own.redactor
	logger, err := logs.New(t.stderr, c)
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	t.own.logger = logger
	if saidOfLogs(m) {
		t.own.lifecycle = logs.Lifecycle(logger)
	}
	return nil
}

func (t *Telemetry) openProviders(ctx context.Context, tel manifest.Telemetry, s backend.Service) error {
	conn, err := t.set.NewConn()
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	c := providers.Config{
		Resource:   otelresource.Of(ctx, s.Name, s.Version, s.Namespace, s.Attributes),
		Attributes: telemetry.ProductOf(s.Attributes),
	}
	if len(t.own.incoming.Baggage) > 0 {
		c.Started = t.own.incoming.Attributes
	}
	if t.reloading.options.reload || slices.ContainsFunc(tel.Backends, takesMetrics) {
		if t.own.metrics, err = metrics.New(metrics.Config{Backends: t.ledgers}); err != nil {
			return fmt.Errorf("%w", err)
		}
		c.Producers = append(c.Producers, t.own.metrics)
	}
	p, err := providers.New(conn, c)
	if err != nil {
		_ = conn.Close()
		return err //nolint:wrapcheck // it says all
	}
	if t.own.metrics != nil {
		err = metrics.Process(p.MeterProvider())
	}
	t.own.conn, t.own.providers = conn, p
	t.own.leave = t.own.join()
	return err //nolint:wrapcheck // it says all
}

// openLog makes the logger for what backends do. It does not lead to them: what says
// that telemetry is lost must not be lost with it.
func (t *Telemetry) openLog(m *manifest.Manifest) (err error) {
	if !saidOfLogs(m) {
		return nil
	}
	l := m.Telemetry.Logs
	t.log, err = logs.New(t.stderr, logs.Config{Level: l.Level, Format: l.Format, LevelVar: &t.level, Redactor: m.Redactor()})
	return err //nolint:wrapcheck // it says all
}

// takesMetrics reports whether a backend may take metrics. Of those in the tree,
// console shows runs and jaeger stores traces: for them none are counted.
func takesMetrics(b manifest.Backend) bool { return b.Plugin != "console" && b.Plugin != "jaeger" }

// saidOfLogs reports whether somebody has said how to log: lines of what runs do
// are for those who asked.
func saidOfLogs(m *manifest.Manifest) bool {
	return slices.ContainsFunc(m.Settings(), func(s manifest.Setting) bool {
		return (s.Path == "telemetry.logs.level" || s.Path == "telemetry.logs.format") && s.Origin.String() != manifest.Origin{}.String()
	})
}

// ledgers says what became of the events for the backends.
func (t *Telemetry) ledgers() []metrics.Backend {
	var list []metrics.Backend
	for _, s := range t.Stats() {
		b := metrics.Backend{Name: s.Name, Delivered: s.Delivered, InFlight: s.InFlight + s.Kept, Dropped: map[string]uint64{}, Restarts: map[string]uint64{}}
		for _, reason := range pluginhost.Reasons() { // also those of none: a rate needs a 0 to begin at
			b.Dropped[string(reason)] = s.Dropped[reason]
		}
		for _, reason := range pluginhost.EndReasons() {
			b.Restarts[string(reason)] = s.Restarts[reason]
		}
		for _, c := range s.Calls {
			b.Calls = append(b.Calls, metrics.BackendCalls(c))
		}
		list = append(list, b)
	}
	return list
}

// TracerProvider returns the provider of tracers whose spans go to the backends,
// in the trace of the run whose node starts them. No global of OpenTelemetry is
// set: a program that uses the globals may set them to these providers in its
// main. With no backend, it does nothing.
func (t *Telemetry) TracerProvider() trace.TracerProvider {
	switch {
	case t.own.given.Tracer != nil:
		return t.own.given.Tracer
	case t.own.providers == nil:
		return tracenoop.NewTracerProvider()
	default:
		return t.own.providers.TracerProvider()
	}
}

// MeterProvider is TracerProvider for metrics. The metrics of runs are exported
// together with those of its instruments, each minute or as
// OTEL_METRIC_EXPORT_INTERVAL says.
func (t *Telemetry) MeterProvider() metric.MeterProvider {
	switch {
	case t.own.given.Meter != nil:
		return t.own.given.Meter
	case t.own.providers == nil:
		return metricnoop.NewMeterProvider()
	default:
		return t.own.providers.MeterProvider()
	}
}

// LoggerProvider is TracerProvider for log records.
func (t *Telemetry) LoggerProvider() log.LoggerProvider {
	switch {
	case t.own.given.Logger != nil:
		return t.own.given.Logger
	case t.own.providers == nil:
		return lognoop.NewLoggerProvider()
	default:
		return t.own.providers.LoggerProvider()
	}
}

// Logger returns a logger that writes lines to standard error, with the level and
// the format that the manifest and the environment say, and sends the same records
// to the backends. A record that is made with the context of a node says which,
// and has its trace and span id. Lines of level warn and above, and all after
// Shutdown, are written when the call returns, or a moment later if nobody reads;
// others in the background, Shutdown waits for them.
//
// Packages of Spanloom say by slog's default logger what goes wrong in them, such as
// that a callback panicked. slog.SetDefault with this logger gives them its form.
func (t *Telemetry) Logger() *slog.Logger {
	if t.own.logger == nil {
		stderr := output.File(os.Stderr)
		logger, err := logs.New(stderr, logs.Config{})
		if err != nil { // of the environment, which does not count with telemetry off
			return slog.New(slog.NewJSONHandler(stderr, nil))
		}
		return logger
	}
	return t.own.logger
}

// Propagation returns whom the manifest trusts with traces: give its Middleware
// to servers and its Transport to clients.
func (t *Telemetry) Propagation() propagation.Config { return t.own.incoming }

// ownCallbacks returns the listeners of the program's own telemetry.
func (t *Telemetry) ownCallbacks() []callbacks.PipelineCallback {
	o := &t.own
	j := joined{Sampler: o.sampler, ratio: &o.ratio, meters: t.MeterProvider(), incoming: o.incoming}
	j.Provider = t.TracerProvider()
	list := []callbacks.PipelineCallback{j}
	if o.metrics != nil {
		list = append(list, callbacks.Pin(o.metrics))
	}
	if o.lifecycle != nil {
		list = append(list, callbacks.Pin(o.lifecycle))
	}
	return list
}

// shutdown exports what is left, and returns a line of what is lost.
func (o *own) shutdown(ctx context.Context) (lost string, ok bool) {
	o.later.Close()
	if o.providers == nil {
		return "", false
	}
	left := make(chan struct{})
	go func() { // the program's provider may not answer
		defer close(left)
		o.leave()
	}()
	select {
	case <-left:
	case <-ctx.Done():
	}
	_ = o.providers.Shutdown(ctx) // Lost says what came of it
	_ = o.conn.Close()            // it is connected to nothing
	return o.providers.Lost()
}

// joined gives runs their place in a trace, and node code the providers.
type joined struct {
	telemetry.Sampler

	ratio    *atomic.Uint64 // the bits of the Sampler's, which may change
	meters   metric.MeterProvider
	incoming propagation.Config
}

// RunIdentity implements [callbacks.RunIdentity].
func (j joined) RunIdentity(ctx context.Context) (callbacks.Identity, bool) {
	j.Ratio = math.Float64frombits(j.ratio.Load())
	return j.Sampler.RunIdentity(ctx)
}

// ContextValue implements [callbacks.ContextValue].
func (j joined) ContextValue(cc *callbacks.CallbackContext, key any) any {
	if key == (metrics.ProviderKey{}) {
		return j.meters
	}
	return j.Sampler.ContextValue(cc, key)
}
