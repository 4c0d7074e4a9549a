package providers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
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
	// Producers give metrics that are aggregated elsewhere: they are asked at each
	// collection, and sent with the instruments' own.
	Producers []sdkmetric.Producer
}

// Providers are the three providers of a program. All methods may be called
// concurrently.
type Providers struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	logs    *sdklog.LoggerProvider

	spans    *spanProcessor
	records  *recordProcessor
	exporter *metricExporter
}

// New returns providers that export over conn, which must live until Shutdown has
// returned and is not closed. Metrics are cumulative, and exported each minute, or
// as OTEL_METRIC_EXPORT_INTERVAL says. Call Shutdown at the end.
func New(conn *grpc.ClientConn, c Config) (*Providers, error) {
	// None of the three calls anybody here: the context ends nothing.
	ctx := context.Background()
	spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithGRPCConn(conn), otlptracegrpc.WithTimeout(exportTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	if err != nil {
		return nil, fmt.Errorf("export spans: %w", err)
	}
	metrics, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithGRPCConn(conn), otlpmetricgrpc.WithTimeout(exportTimeout),
		otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}),
		// Whatever the environment says of what collectors like: backends see to it.
		otlpmetricgrpc.WithTemporalitySelector(sdkmetric.DefaultTemporalitySelector))
	if err != nil {
		return nil, fmt.Errorf("export metrics: %w", err)
	}
	records, err := otlploggrpc.New(ctx, otlploggrpc.WithGRPCConn(conn), otlploggrpc.WithTimeout(exportTimeout),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{}))
	if err != nil {
		return nil, fmt.Errorf("export log records: %w", err)
	}
	return assemble(c, spans, metrics, records), nil
}

// assemble makes providers of exporters.
func assemble(c Config, spans sdktrace.SpanExporter, metrics sdkmetric.Exporter, records sdklog.Exporter) *Providers {
	if c.Resource == nil {
		c.Resource = otelresource.Default()
	}
	p := &Providers{
		spans:    newSpanProcessor(spans, c.Attributes),
		records:  &recordProcessor{exporter: records},
		exporter: &metricExporter{Exporter: metrics},
	}
	var readerOptions []sdkmetric.PeriodicReaderOption
	for _, producer := range c.Producers {
		readerOptions = append(readerOptions, sdkmetric.WithProducer(quietProducer{producer, p.exporter}))
	}
	p.traces = sdktrace.NewTracerProvider(sdktrace.WithResource(c.Resource), sdktrace.WithSpanProcessor(p.spans))
	p.metrics = sdkmetric.NewMeterProvider(sdkmetric.WithResource(c.Resource),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(p.exporter, readerOptions...)))
	p.logs = sdklog.NewLoggerProvider(sdklog.WithResource(c.Resource), sdklog.WithProcessor(p.records))
	return p
}

// TracerProvider returns the provider of tracers. Which spans are sampled is
// decided by their parents, and for roots by OTEL_TRACES_SAMPLER, or else all are.
func (p *Providers) TracerProvider() trace.TracerProvider { return p.traces }

// MeterProvider returns the provider of meters.
func (p *Providers) MeterProvider() metric.MeterProvider { return p.metrics }

// LoggerProvider returns the provider of loggers, as for the otelslog bridge.
func (p *Providers) LoggerProvider() log.LoggerProvider { return p.logs }

// ForceFlush exports all spans that have ended and collects and exports all
// metrics, or returns when ctx ends; after Shutdown it does nothing. Over a
// connection of pluginhost they are in the hosts' queues then: flush the hosts
// afterwards.
func (p *Providers) ForceFlush(ctx context.Context) error {
	return errors.Join(
		prefix("spans", p.traces.ForceFlush(ctx)),
		prefix("metrics", ignore(p.metrics.ForceFlush(ctx), sdkmetric.ErrReaderShutdown)),
		prefix("log records", p.logs.ForceFlush(ctx)))
}

// Shutdown does what ForceFlush does, and ends the providers: what is made
// afterwards is dropped. It returns by the end of ctx, and then counts as lost
// what was not exported. Shut the hosts down afterwards. Calling it again does
// nothing.
func (p *Providers) Shutdown(ctx context.Context) error {
	// Metrics first: their callbacks may make spans and log records.
	return errors.Join(
		prefix("metrics", ignore(p.metrics.Shutdown(ctx), sdkmetric.ErrReaderShutdown)),
		prefix("spans", p.traces.Shutdown(ctx)),
		prefix("log records", p.logs.Shutdown(ctx)))
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
