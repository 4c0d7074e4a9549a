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
		add(f.instrument, c.histograms(f, now))
	}
	for _, f := range []*family[counter]{c.runActive, c.nodeActive, c.itemActive, c.nodeRetries, c.errors, c.cacheLookups, c.cacheIO} {
		add(f.instrument, sums(f, c.began, now, c.total))
	}
	add(c.cacheSaved.instrument, sums(c.cacheSaved, c.began, now, saved))
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
		events, queues, restarts := ledger(list, c.began, now)
		add(&callbackEvents, events)
		add(&callbackQueue, queues)
		add(&backendRestarts, restarts)
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

func (c *Callback) histograms(f *family[histogram], now time.Time) metricdata.Aggregation {
	series := f.all()
	if len(series) == 0 {
		return nil
	}
	c.moving.Lock()
	defer c.moving.Unlock()
	bounds := seconds(f.bounds)
	points := make([]metricdata.HistogramDataPoint[float64], len(series))
	for i, s := range series {
		sum, counts := s.read()
		from := joined(f, s)
		c.blocks.each(from, func(b *block) {
			if f == c.nodeQueue {
				counts[0] += b.waited()
			} else {
				b.read(&sum, counts)
			}
		})
		p := &points[i]
		*p = metricdata.HistogramDataPoint[float64]{
			Attributes: s.set, StartTime: c.began, Time: now,
			Bounds: bounds, BucketCounts: counts, Sum: sum.Seconds(),
			Exemplars: s.list(),
		}
		for _, n := range counts {
			p.Count += n
		}
		s.want()
		if f == c.nodeDuration {
			c.blocks.each(from, (*block).want)
		}
	}
	return metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

func sums[N int64 | float64](f *family[counter], began, now time.Time, total func(*counter) N) metricdata.Aggregation {
	series := f.all()
	if len(series) == 0 {
		return nil
	}
	points := make([]metricdata.DataPoint[N], len(series))
	for i, s := range series {
		points[i] = metricdata.DataPoint[N]{Attributes: s.set, StartTime: began, Time: now, Value: total(s)}
	}
	return metricdata.Sum[N]{
		DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: f.shape != upDownShape,
	}
}

// total returns what a series has counted.
func (c *Callback) total(s *counter) int64 {
	sum := s.sum()
	c.blocks.each(joined(c.nodeActive, s), func(b *block) { sum += b.active() })
	return sum
}

// saved returns what a series of nanoseconds has counted, in seconds.
func saved(s *counter) float64 { return time.Duration(s.sum()).Seconds() }
