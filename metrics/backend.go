package metrics

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/internal/buckets"
)

// Backend is what became of the events for one backend, at one moment. The
// counts only grow.
type Backend struct {
	// Name is the name in the manifest.
	Name string
	// Delivered counts events that the backend has exported.
	Delivered uint64
	// Dropped counts events that it has not and will not, by reason. Let each reason
	// that there is be there from the start, with 0: the rate of a counter does not
	// see the first step of a series that comes with it.
	Dropped map[string]uint64
	// InFlight is how many are queued, or sent and not acknowledged.
	InFlight uint64
	// Calls is how long the calls of the backend took that have ended.
	Calls []BackendCalls
}

// BackendCalls is how long the calls of one method of a backend took that ended in
// one way.
type BackendCalls struct {
	// Method is the name of the method, and ErrorType what went wrong; empty when
	// nothing did.
	Method, ErrorType string
	Sum               time.Duration
	// Buckets counts calls by their durations, with the bounds of
	// spanloom.node.duration; the last bucket has those above all bounds.
	Buckets [buckets.Count]uint64
}

// callsOf returns the series of the calls.
func callsOf(list []Backend, began, now time.Time) metricdata.Aggregation {
	var points []metricdata.HistogramDataPoint[float64]
	for _, b := range list {
		for _, c := range b.Calls {
			if len(points) == maxSeries {
				break
			}
			set := []attribute.KeyValue{keyBackend.String(value(b.Name)), keyMethod.String(value(c.Method))}
			if c.ErrorType != "" {
				set = append(set, keyErrorType.String(value(c.ErrorType)))
			}
			p := metricdata.HistogramDataPoint[float64]{
				Attributes: attribute.NewSet(set...), StartTime: began, Time: now,
				Bounds: seconds(&buckets.Steps), BucketCounts: c.Buckets[:], Sum: c.Sum.Seconds(),
			}
			for _, n := range c.Buckets {
				p.Count += n
			}
			points = append(points, p)
		}
	}
	if points == nil {
		return nil
	}
	return metricdata.Histogram[float64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality}
}

// askBackends returns what the host says. It is code of others: should it panic,
// there are no facts this time.
func (c *Callback) askBackends() (list []Backend) {
	defer func() {
		if recover() != nil {
			list = nil
		}
	}()
	return c.backends()
}

// ledger returns the series of the backends.
func ledger(list []Backend, began, now time.Time) (events, queues metricdata.Aggregation) {
	if len(list) == 0 {
		return nil, nil
	}
	list = list[:min(len(list), maxSeries)]
	var fates, sizes []metricdata.DataPoint[int64]
	add := func(to *[]metricdata.DataPoint[int64], n uint64, kvs ...attribute.KeyValue) {
		*to = append(*to, metricdata.DataPoint[int64]{
			Attributes: attribute.NewSet(kvs...), StartTime: began, Time: now, Value: int64(n),
		})
	}
	for _, b := range list {
		name := keyBackend.String(value(b.Name))
		add(&fates, b.Delivered, name, keyOutcome.String("delivered"))
		for _, reason := range slices.Sorted(maps.Keys(b.Dropped)) {
			add(&fates, b.Dropped[reason], name, keyOutcome.String("dropped"), keyReason.String(value(reason)))
		}
		add(&sizes, b.InFlight, name)
	}
	return metricdata.Sum[int64]{DataPoints: fates, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true},
		metricdata.Sum[int64]{DataPoints: sizes, Temporality: metricdata.CumulativeTemporality}
}
