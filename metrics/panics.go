package metrics

import (
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
)

// panicked returns the series of the callbacks that have panicked in this program
// since before was taken.
func panicked(before map[string]uint64, began, now time.Time) metricdata.Aggregation {
	all := callbacks.Panics()
	var points []metricdata.DataPoint[int64]
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if n := all[name] - before[name]; n > 0 {
			points = append(points, metricdata.DataPoint[int64]{
				Attributes: attribute.NewSet(keyCallback.String(value(name))), StartTime: began, Time: now, Value: int64(n),
			})
		}
	}
	if points == nil {
		return nil
	}
	return metricdata.Sum[int64]{DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true}
}
