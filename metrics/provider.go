package metrics

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otelresource"
)

// provider makes the instruments of node code and exports, when there are
// exporters.
type provider struct {
	sdk     *sdkmetric.MeterProvider
	exports []*exporter
}

// ProviderKey is the key under which contexts have the metric.MeterProvider for
// node code. A [Callback] with exporters answers it in the contexts of its runs.
// A program with a provider of its own puts it into the context of the run:
//
//	ctx = context.WithValue(ctx, metrics.ProviderKey{}, provider)
type ProviderKey struct{}

func (p *provider) open(c Config, producer sdkmetric.Producer, report func(error)) error {
	var opts []sdkmetric.Option
	if c.Resource == nil {
		c.Resource = otelresource.Default()
	}
	opts = append(opts, sdkmetric.WithResource(c.Resource))
	for _, e := range c.Exporters {
		x := &exporter{Exporter: e, report: report}
		p.exports = append(p.exports, x)
		reader := []sdkmetric.PeriodicReaderOption{sdkmetric.WithProducer(producer)}
		if c.Interval > 0 {
			reader = append(reader, sdkmetric.WithInterval(c.Interval))
		}
		opts = append(opts, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(x, reader...)))
	}
	p.sdk = sdkmetric.NewMeterProvider(opts...)
	if err := Process(p.sdk); err != nil {
		return errors.Join(err, p.sdk.Shutdown(context.Background()))
	}
	return nil
}

// MeterProvider returns what makes further instruments that are exported with
// those of runs; nil without exporters.
func (p *provider) MeterProvider() metric.MeterProvider {
	if p.sdk == nil {
		return nil
	}
	return p.sdk
}

// ContextValue implements [callbacks.ContextValue]: it answers [ProviderKey].
func (p *provider) ContextValue(_ *callbacks.CallbackContext, key any) any {
	if key == (ProviderKey{}) && p.sdk != nil {
		return p.sdk
	}
	return nil
}

// Flush exports what there is now, and returns what the exporters could not do.
// It returns when ctx is done, whatever an exporter does.
func (p *provider) Flush(ctx context.Context) error {
	return p.during(ctx, func(ctx context.Context) error { return p.sdk.ForceFlush(ctx) })
}

// Shutdown exports what there is a last time, and ends the exporters. It returns
// when ctx is done, whatever an exporter does: give it a deadline. Runs may go on;
// they are still counted. A second call does nothing.
func (p *provider) Shutdown(ctx context.Context) error {
	return p.during(ctx, func(ctx context.Context) error { return p.sdk.Shutdown(ctx) })
}

// during calls f and returns what failed meanwhile.
func (p *provider) during(ctx context.Context, f func(context.Context) error) error {
	if p.sdk == nil {
		return nil
	}
	for _, e := range p.exports {
		e.last.Store(nil)
	}
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var errs []error
	select {
	case err := <-done:
		if !errors.Is(err, sdkmetric.ErrReaderShutdown) { // there is nothing more to do
			errs = append(errs, err)
		}
	case <-ctx.Done():
		errs = append(errs, ctx.Err())
	}
	for _, e := range p.exports {
		if last := e.last.Load(); last != nil {
			errs = append(errs, *last)
		}
	}
	return errors.Join(errs...)
}

// Stats says how the exports went, at one moment.
type Stats struct {
	// Exports counts exports, and Failed those that an exporter did not manage.
	// What they had is in the next one too: all metrics of runs are cumulative.
	Exports, Failed uint64
	// Err is the latest failure; nil when there was none since the last success.
	Err error
}

// Stats returns how the exports of all exporters went so far.
func (p *provider) Stats() (s Stats) {
	for _, e := range p.exports {
		s.Exports += e.exports.Load()
		s.Failed += e.failed.Load()
		if err := e.state.Load(); err != nil {
			s.Err = errors.Join(s.Err, *err)
		}
	}
	return s
}
