package metrics

import (
	"context"
	"errors"

	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/internal/buildinfo"
)

// Process makes instruments that tell of the process, its memory, processor time
// and goroutines, as the semantic conventions say. A [Callback] with exporters has
// them already.
func Process(p metric.MeterProvider) error {
	return errors.Join(runtime.Start(runtime.WithMeterProvider(p)), observeProcess(p))
}

// observeProcess adds the process metrics of the semantic conventions that the
// system can tell. Memory and goroutines of Go are added by the instrumentation
// of OpenTelemetry for its runtime.
func observeProcess(p metric.MeterProvider) error {
	meter := ownMeter(p)
	if _, _, ok := processTimes(); ok {
		user := metric.WithAttributeSet(attribute.NewSet(semconv.CPUModeUser))
		system := metric.WithAttributeSet(attribute.NewSet(semconv.CPUModeSystem))
		if _, err := meter.Float64ObservableCounter("process.cpu.time",
			metric.WithUnit("s"), metric.WithDescription("Total CPU seconds broken down by different states."),
			metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
				if u, s, ok := processTimes(); ok {
					o.Observe(u.Seconds(), user)
					o.Observe(s.Seconds(), system)
				}
				return nil
			})); err != nil {
			return err
		}
	}
	if _, ok := residentBytes(); ok {
		if _, err := meter.Int64ObservableUpDownCounter("process.memory.usage",
			metric.WithUnit("By"), metric.WithDescription("The amount of physical memory in use."),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				if n, ok := residentBytes(); ok {
					o.Observe(n)
				}
				return nil
			})); err != nil {
			return err
		}
	}
	return nil
}

// ownMeter returns the meter of this package.
func ownMeter(p metric.MeterProvider) metric.Meter {
	return p.Meter(buildinfo.Module+"/metrics",
		metric.WithInstrumentationVersion(buildinfo.Version()), metric.WithSchemaURL(semconv.SchemaURL))
}
