package metrics

import (
	"context"
	"math"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// Recorder makes instruments for the code of nodes. Make it with [NewRecorder], or
// find it with [FromContext]. It may be used concurrently, and so may all that it
// makes.
//
// An instrument has the keys of its labels from the beginning, and each
// measurement their values, in the same order. A value that is missing leaves its
// label out, and one too many is ignored. An instrument that was made with an
// error does nothing, and so does a nil one: measuring never panics.
//
// Prometheus knows no sign but "_" in names: two names that differ in ".", "-", "/" and
// "_" only, of instruments of one kind and unit, are one series there. That is logged
// once, when the second is made.
//
// The SDK keeps the series of an instrument below its own limit, by default
// 2,000. Keep ids, paths and texts out of labels nevertheless.
type Recorder struct{ meter metric.Meter }

// NewRecorder returns a recorder whose instruments belong to the scope, which is
// by convention the import path of who measures. A nil provider measures nothing.
func NewRecorder(p metric.MeterProvider, scope string) *Recorder {
	if p == nil {
		p = noop.NewMeterProvider()
	}
	return &Recorder{p.Meter(scope)}
}

// FromContext returns the recorder of the run that ctx comes from, by the
// provider that ctx has under [ProviderKey]. Without one it measures nothing. It
// is never nil.
//
// Instruments of the same name, unit and kind are the same one, so that a node may
// make them each time it runs.
func FromContext(ctx context.Context) *Recorder {
	p, ok := ctx.Value(ProviderKey{}).(metric.MeterProvider)
	if !ok {
		p = noop.NewMeterProvider()
	}
	return &Recorder{ownMeter(p)}
}

// Counter returns a counter: of rows, bytes or anything else that is added up.
// The unit is one of UCUM, such as "By" or "s", or a word in braces, such as
// "{row}". It fails when the name, the unit or a label is not valid.
func (r *Recorder) Counter(name, unit string, labels ...string) (*Counter, error) {
	if err := check("counter", name, unit, labels); err != nil {
		return &Counter{}, err
	}
	c, err := r.meter.Float64Counter(name, metric.WithUnit(unit))
	if err != nil {
		return &Counter{}, wrong("counter", name, "%w", err)
	}
	tellTwins("counter", name, unit)
	return &Counter{c, slices.Clone(labels)}, nil
}

// Gauge returns a gauge: what a value is at the moment. It is otherwise as
// [Recorder.Counter].
func (r *Recorder) Gauge(name, unit string, labels ...string) (*Gauge, error) {
	if err := check("gauge", name, unit, labels); err != nil {
		return &Gauge{}, err
	}
	g, err := r.meter.Float64Gauge(name, metric.WithUnit(unit))
	if err != nil {
		return &Gauge{}, wrong("gauge", name, "%w", err)
	}
	tellTwins("gauge", name, unit)
	return &Gauge{g, slices.Clone(labels)}, nil
}

// Histogram returns a histogram: how values are distributed. The bounds of its
// buckets ascend, and each belongs to the bucket below it; without any they are
// those of the SDK. It is otherwise as [Recorder.Counter].
func (r *Recorder) Histogram(name, unit string, bounds []float64, labels ...string) (*Histogram, error) {
	if err := check("histogram", name, unit, labels); err != nil {
		return &Histogram{}, err
	}
	if err := checkBounds(name, bounds); err != nil {
		return &Histogram{}, err
	}
	opts := []metric.Float64HistogramOption{metric.WithUnit(unit)}
	if len(bounds) > 0 {
		opts = append(opts, metric.WithExplicitBucketBoundaries(bounds...))
	}
	h, err := r.meter.Float64Histogram(name, opts...)
	if err != nil {
		return &Histogram{}, wrong("histogram", name, "%w", err)
	}
	tellTwins("histogram", name, unit)
	return &Histogram{h, slices.Clone(labels)}, nil
}

// Counter adds up.
type Counter struct {
	counter metric.Float64Counter
	labels  keys
}

// Add adds n, which must not be negative; other numbers are ignored. With the
// context of a node the measurement may lead to its span.
func (c *Counter) Add(ctx context.Context, n float64, values ...string) {
	if c != nil && c.counter != nil && n >= 0 && finite(n) {
		c.counter.Add(ctx, n, c.labels.with(values))
	}
}

// Gauge keeps the latest value.
type Gauge struct {
	gauge  metric.Float64Gauge
	labels keys
}

// Set says what the value is now. What is not finite is ignored.
func (g *Gauge) Set(ctx context.Context, v float64, values ...string) {
	if g != nil && g.gauge != nil && finite(v) {
		g.gauge.Record(ctx, v, g.labels.with(values))
	}
}

// Histogram counts values by size.
type Histogram struct {
	histogram metric.Float64Histogram
	labels    keys
}

// Record adds a value. What is not finite is ignored.
func (h *Histogram) Record(ctx context.Context, v float64, values ...string) {
	if h != nil && h.histogram != nil && finite(v) {
		h.histogram.Record(ctx, v, h.labels.with(values))
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// keys are those of labels.
type keys []string

// with returns the labels of one measurement.
func (k keys) with(values []string) metric.MeasurementOption {
	list := make([]attribute.KeyValue, 0, len(k))
	for i, key := range k[:min(len(k), len(values))] {
		list = append(list, attribute.String(key, value(values[i])))
	}
	return metric.WithAttributeSet(attribute.NewSet(list...))
}
