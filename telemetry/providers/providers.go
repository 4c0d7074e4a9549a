package providers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"github.com/spanloom/spanloom/internal/otelresource"
)

// exportTimeout is the most time for one export, which over a connection of
// pluginhost takes microseconds.
const exportTimeout = 10 * time.Second

// Config is what the providers are made of. The zero value works.
type Config struct {
	// Resource describes the program. Defaults to what OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES say, or else to the name of the executable.
	Resource *resource.Resource
	// Attributes stand on every span, such as those of telemetry.Product. Defaults
	// to none.
	Attributes []attribute.KeyValue
	// Started returns the attributes that a span gets from the context that it is
	// started with, such as those that propagation.Config.Attributes makes of baggage.
	// What code sets under the same keys wins. Called concurrently. Defaults to none.
	Started func(context.Context) []attribute.KeyValue
	// Producers give metrics that are aggregated elsewhere: they are asked at each
	// collection, and sent with the instruments' own.
	Producers []sdkmetric.Producer
}

// Providers are the three providers of a program. All methods may be called
// concurrently.
type Providers struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider // of the program's instruments
	runs    *sdkmetric.MeterProvider // of the producers, which nothing of the program holds up
	logs    *sdklog.LoggerProvider

	spans    *spanProcessor
	records  *recordProcessor
	exporter *metricExporter
	closed   atomic.Bool
}

// New returns providers that export over conn, which must live until Shutdown has
// returned and is not closed. Metrics are cumulative, and exported each minute, or
// as OTEL_METRIC_EXPORT_INTERVAL says. Call Shutdown at the end.
func New(conn *grpc.ClientConn, c Config) (*Providers, error) {
	// It calls nobody here: the context ends nothing.
	ctx := context.Background()
	records, err := otlploggrpc.New(ctx, otlploggrpc.WithGRPCConn(conn), otlploggrpc.WithTimeout(exportTimeout),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{}),
		otlploggrpc.WithMaxRequestSize(0), // the connection cuts it
		// What is said here is not read from the environment, and so not printed when
		// it cannot be read. The connection needs none of it.
		otlploggrpc.WithEndpoint(conn.Target()), otlploggrpc.WithInsecure(),
		otlploggrpc.WithHeaders(nil), otlploggrpc.WithCompressor("none"))
	if err != nil {
		return nil, fmt.Errorf("export log records: %w", err)
	}
	return assemble(c, newSpanExporter(conn), newMetricSender(conn), records), nil
}

// assemble makes providers of exporters.
func assemble(c Config, spans sdktrace.SpanExporter, metrics sdkmetric.Exporter, records sdklog.Exporter) *Providers {
	if c.Resource == nil {
		c.Resource = otelresource.Default()
	}
	p := &Providers{
		spans:    newSpanProcessor(spans, c),
		records:  &recordProcessor{exporter: records},
		exporter: &metricExporter{Exporter: metrics},
	}
	var produced []sdkmetric.PeriodicReaderOption
	for _, producer := range c.Producers {
		produced = append(produced, sdkmetric.WithProducer(quietProducer{producer, p.exporter}))
	}
	meters := func(opts ...sdkmetric.PeriodicReaderOption) *sdkmetric.MeterProvider {
		return sdkmetric.NewMeterProvider(sdkmetric.WithResource(c.Resource),
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(p.exporter, opts...)))
	}
	p.metrics, p.runs = meters(), meters(produced...)
	p.traces = sdktrace.NewTracerProvider(sdktrace.WithResource(c.Resource), sdktrace.WithSpanProcessor(p.spans),
		// Without it OTEL_TRACES_SAMPLER decides, and may leave spans out of a run that
		// is sampled, or keep them of one that is not.
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())))
	p.logs = sdklog.NewLoggerProvider(sdklog.WithResource(c.Resource), sdklog.WithProcessor(p.records))
	return p
}

// TracerProvider returns the provider of tracers. Spans are sampled when their
// parents are, and so as the run that they are made in; those without a parent
// always. OTEL_TRACES_SAMPLER is not asked: it has decided about the runs. The
// limits of the SDK's variables OTEL_SPAN_* and OTEL_ATTRIBUTE_* hold.
func (p *Providers) TracerProvider() trace.TracerProvider { return p.traces }

// MeterProvider returns the provider of meters.
//
// A callback of an instrument that fails or panics is counted, and loses nothing but
// its own values.
func (p *Providers) MeterProvider() metric.MeterProvider {
	return guardedMeters{p.metrics, &p.exporter.counters}
}

// LoggerProvider returns the provider of loggers, as for the otelslog bridge.
func (p *Providers) LoggerProvider() log.LoggerProvider { return p.logs }

// ForceFlush exports all spans that have ended and collects and exports all
// metrics, or returns when ctx ends; after Shutdown it does nothing. Over a
// connection of pluginhost they are in the hosts' queues then: flush the hosts
// afterwards.
func (p *Providers) ForceFlush(ctx context.Context) error {
	return errors.Join(
		prefix("spans", p.traces.ForceFlush(ctx)),
		prefix("metrics", ignore(within(ctx, p.runs.ForceFlush), sdkmetric.ErrReaderShutdown)),
		prefix("metrics", ignore(within(ctx, p.metrics.ForceFlush), sdkmetric.ErrReaderShutdown)),
		prefix("log records", p.logs.ForceFlush(ctx)))
}

// Shutdown does what ForceFlush does, and ends the providers: what is made
// afterwards is dropped. It returns by the end of ctx, and then counts as lost
// what was not exported. Shut the hosts down afterwards. Calling it again does
// nothing.
func (p *Providers) Shutdown(ctx context.Context) error {
	if p.closed.Swap(true) {
		return nil
	}
	runs := within(ctx, p.runs.Shutdown)
	// The program's metrics come before spans and log records, which their callbacks
	// may make, but they get no more than half of the time.
	half, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		half, cancel = context.WithTimeout(ctx, time.Until(end)/2)
	}
	defer cancel()
	metrics := within(half, p.metrics.Shutdown)
	for _, err := range []error{runs, metrics} {
		if err != nil {
			p.exporter.done(1, err)
		}
	}
	// The processor itself: the provider would not call it when ctx has ended, and would
	// not tell it of spans that end later, which it counts.
	spans := p.spans.Shutdown(ctx)
	return errors.Join(
		prefix("metrics", runs), prefix("metrics", metrics), prefix("spans", spans),
		prefix("log records", within(ctx, p.records.Shutdown)),
		prefix("metrics", p.exporter.close(ctx)))
}

// within calls f, which may call code of the program, and returns when ctx ends.
func within(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer recovered(&err)
		err = f(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		select {
		case err := <-done:
			return err
		default:
			return context.Cause(ctx)
		}
	}
}

func prefix(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}
