package metrics

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Backend is what became of the events for one backend, at one moment. The
// counts only grow.
type Backend struct {
	// Name is the name in the manifest.
	Name string
	// Delivered counts events that the backend has exported.
	Delivered uint64
	// Dropped counts events that it has not and will not, by reason.
	Dropped map[string]uint64
	// InFlight is how many are queued, or sent and not acknowledged.
	InFlight uint64
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
