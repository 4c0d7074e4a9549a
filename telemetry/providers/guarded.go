package providers

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// guardedMeters are the meters of the program. Its callbacks of observable
// instruments are code of others, which the SDK calls as its own: one that panics
// would end the program, and one that fails would lose what all others measure.
type guardedMeters struct {
	metric.MeterProvider

	counters *counters
}

// Meter implements metric.MeterProvider. What OpenTelemetry's SDK and its exporters
// say of themselves, when OTEL_GO_X_OBSERVABILITY is set and this provider is the
// global one, is mostly said of these providers: telemetry does not tell of itself.
func (p guardedMeters) Meter(name string, opts ...metric.MeterOption) metric.Meter {
	if strings.HasPrefix(name, "go.opentelemetry.io/otel/sdk/") || strings.HasPrefix(name, "go.opentelemetry.io/otel/exporters/") {
		return noop.NewMeterProvider().Meter(name, opts...)
	}
	return guardedMeter{p.MeterProvider.Meter(name, opts...), p.counters}
}

type guardedMeter struct {
	metric.Meter

	counters *counters
}

// call calls a callback, whose failure is counted as that of a collection.
func (m guardedMeter) call(callback func() error) error {
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("a callback of an instrument panicked: %v", r)
			}
		}()
		return callback()
	}()
	if err != nil {
		m.counters.done(1, err)
	}
	return nil
}

func (m guardedMeter) ints(list []metric.Int64Callback) []metric.Int64Callback {
	guarded := make([]metric.Int64Callback, len(list))
	for i, f := range list {
		guarded[i] = func(ctx context.Context, o metric.Int64Observer) error {
			return m.call(func() error { return f(ctx, o) })
		}
	}
	return guarded
}

func (m guardedMeter) floats(list []metric.Float64Callback) []metric.Float64Callback {
	guarded := make([]metric.Float64Callback, len(list))
	for i, f := range list {
		guarded[i] = func(ctx context.Context, o metric.Float64Observer) error {
			return m.call(func() error { return f(ctx, o) })
		}
	}
	return guarded
}

// RegisterCallback implements metric.Meter.
func (m guardedMeter) RegisterCallback(f metric.Callback, instruments ...metric.Observable) (metric.Registration, error) {
	if f == nil {
		return m.Meter.RegisterCallback(nil, instruments...)
	}
	return m.Meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		return m.call(func() error { return f(ctx, o) })
	}, instruments...)
}

// Int64ObservableCounter implements metric.Meter, as do the others.
func (m guardedMeter) Int64ObservableCounter(name string, opts ...metric.Int64ObservableCounterOption) (metric.Int64ObservableCounter, error) {
	c := metric.NewInt64ObservableCounterConfig(opts...)
	opts = []metric.Int64ObservableCounterOption{metric.WithDescription(c.Description()), metric.WithUnit(c.Unit())}
	for _, f := range m.ints(c.Callbacks()) {
		opts = append(opts, metric.WithInt64Callback(f))
	}
	return m.Meter.Int64ObservableCounter(name, opts...)
}

func (m guardedMeter) Int64ObservableUpDownCounter(name string, opts ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	c := metric.NewInt64ObservableUpDownCounterConfig(opts...)
	opts = []metric.Int64ObservableUpDownCounterOption{metric.WithDescription(c.Description()), metric.WithUnit(c.Unit())}
	for _, f := range m.ints(c.Callbacks()) {
		opts = append(opts, metric.WithInt64Callback(f))
	}
	return m.Meter.Int64ObservableUpDownCounter(name, opts...)
}

func (m guardedMeter) Int64ObservableGauge(name string, opts ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	c := metric.NewInt64ObservableGaugeConfig(opts...)
	opts = []metric.Int64ObservableGaugeOption{metric.WithDescription(c.Description()), metric.WithUnit(c.Unit())}
	for _, f := range m.ints(c.Callbacks()) {
		opts = append(opts, metric.WithInt64Callback(f))
	}
	return m.Meter.Int64ObservableGauge(name, opts...)
}

func (m guardedMeter) Float64ObservableCounter(name string, opts ...metric.Float64ObservableCounterOption) (metric.Float64ObservableCounter, error) {
	c := metric.NewFloat64ObservableCounterConfig(opts...)
	opts = []metric.Float64ObservableCounterOption{metric.WithDescription(c.Description()), metric.WithUnit(c.Unit())}
	for _, f := range m.floats(c.Callbacks()) {
		opts = append(opts, metric.WithFloat64Callback(f))
	}
	return m.Meter.Float64ObservableCounter(name, opts...)
}

func (m guardedMeter) Float64ObservableUpDownCounter(name string, opts ...metric.Float64ObservableUpDownCounterOption) (metric.Float64ObservableUpDownCounter, error) {
	c := metric.NewFloat64ObservableUpDownCounterConfig(opts...)
	opts = []metric.Float64ObservableUpDownCounterOption{metric.WithDescription(c.Description()), metric.WithUnit(c.Unit())}
	for _, f := range m.floats(c.Callbacks()) {
		opts = append(opts, metric.WithFloat64Callback(f))
	}
	return m.Meter.Float64ObservableUpDownCounter(name, opts...)
}

func (m guardedMeter) Float64ObservableGauge(name string, opts ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	c := metric.NewFloat64ObservableGaugeConfig(opts...)
	opts = []metric.Float64ObservableGaugeOption{metric.WithDescription(c.Description()), metric.WithUnit(c.Unit())}
	for _, f := range m.floats(c.Callbacks()) {
		opts = append(opts, metric.WithFloat64Callback(f))
	}
	return m.Meter.Float64ObservableGauge(name, opts...)
}
