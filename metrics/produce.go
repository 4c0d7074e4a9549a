package metrics

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/buildinfo"
)

// Produce returns what was counted and measured since [New], as one scope with
// cumulative sums and histograms; an instrument that nothing was recorded with is
// left out. It never fails. What it returns belongs to the caller.
//
// Give the callback to a reader of your own with the SDK's WithProducer; the
// readers of [Config.Exporters] have it already. Readers do not convert what
// producers give: an exporter that asks for deltas gets cumulative data too.
func (c *Callback) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	now := time.Now()
	var list []metricdata.Metrics
	add := func(i *instrument, data metricdata.Aggregation) {
		if data != nil {
			list = append(list, metricdata.Metrics{Name: i.name, Unit: i.unit, Description: i.description, Data: data})
		}
	}
	for _, f := range []*family[histogram]{c.runDuration, c.nodeDuration, c.nodeQueue, c.itemDuration} {
		add(f.instrument, histograms(f, c.began, now))
	}
	for _, f := range []*family[counter]{c.runActive, c.nodeActive, c.itemActive, c.nodeRetries, c.errors, c.cacheLookups, c.cacheIO} {
		add(f.instrument, sums(f, c.began, now, func(n int64) int64 { return n }))
	}
	add(c.cacheSaved.instrument, sums(c.cacheSaved, c.began, now, func(n int64) float64 { return time.Duration(n).Seconds() }))
	loads := c.pools.loads()
	add(&workerUsage, ofPools(loads, c.began, now, func(l callbacks.Load) int { return l.Busy }))
	add(&workerLimit, ofPools(loads, c.began, now, func(l callbacks.Load) int { return l.Limit }))
	add(&workerQueue, ofPools(loads, c.began, now, func(l callbacks.Load) int { return l.Queued }))
	for _, f := range c.gauges.all() {
		add(f.instrument, latest(f, now))
	}
	add(&callbackPanics, panicked(c.panics, c.began, now))
	if c.backends != nil {
		list := c.askBackends()
		events, queues := ledger(list, c.began, now)
		add(&callbackEvents, events)
		add(&callbackQueue, queues)
		add(&backendCalls, callsOf(list, c.began, now))
	}
	if len(list) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{
		Scope:   instrumentation.Scope{Name: buildinfo.Module, Version: buildinfo.Version(), SchemaURL: semconv.SchemaURL},
		Metrics: list,
	}}, nil
}

func histograms(f *family[histogram], began, now time.Time) metricdata.Aggregation {
	series := f.all()
	if len(series) == 0 {
		return nil
	}
	bounds := seconds(f.bounds)
	points := make([]metricdata.HistogramDataPoint[float64], len(series))
	for i, s := range series {
		sum, counts := s.read()
		p := &points[i]
		*p = metricdata.HistogramDataPoint[float64]{
			Attributes: s.set, StartTime: began, Time: now,
			Bounds: bounds, BucketCounts: counts, Sum: sum.Seconds(),
			Exemplars: s.list(),
		}
		for _, n := range counts {
			p.Count += n
		}
		s.want()
	}
	return metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

func sums[N int64 | float64](f *family[counter], began, now time.Time, unit func(int64) N) metricdata.Aggregation {
	series := f.all()
	if len(series) == 0 {
		return nil
	}
	points := make([]metricdata.DataPoint[N], len(series))
	for i, s := range series {
		points[i] = metricdata.DataPoint[N]{Attributes: s.set, StartTime: began, Time: now, Value: unit(s.sum())}
	}
	return metricdata.Sum[N]{
		DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: f.shape != upDownShape,
	}
}
