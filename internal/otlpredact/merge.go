package otlpredact

import (
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// latest keeps the later of two gauges.
func latest(into, from *metricspb.NumberDataPoint) {
	if from.GetTimeUnixNano() >= into.GetTimeUnixNano() {
		into.Value, into.TimeUnixNano = from.GetValue(), from.GetTimeUnixNano()
	}
	into.Exemplars = append(into.Exemplars, from.GetExemplars()...)
}

func addNumber(into, from *metricspb.NumberDataPoint) {
	switch v := into.GetValue().(type) {
	case *metricspb.NumberDataPoint_AsInt:
		v.AsInt += from.GetAsInt()
	case *metricspb.NumberDataPoint_AsDouble:
		v.AsDouble += from.GetAsDouble()
	}
	into.StartTimeUnixNano = first(into.GetStartTimeUnixNano(), from.GetStartTimeUnixNano())
	into.TimeUnixNano = max(into.GetTimeUnixNano(), from.GetTimeUnixNano())
	into.Exemplars = append(into.Exemplars, from.GetExemplars()...)
}

// addHistogram adds points of one instrument, whose bounds are the same.
func addHistogram(into, from *metricspb.HistogramDataPoint) {
	for i, n := range from.GetBucketCounts() {
		if i < len(into.GetBucketCounts()) {
			into.BucketCounts[i] += n
		}
	}
	into.Count += from.GetCount()
	into.Sum = both(into.Sum, from.Sum, func(a, b float64) float64 { return a + b })
	into.Min = either(into.Min, from.Min, func(a, b float64) float64 { return min(a, b) })
	into.Max = either(into.Max, from.Max, func(a, b float64) float64 { return max(a, b) })
	into.StartTimeUnixNano = first(into.GetStartTimeUnixNano(), from.GetStartTimeUnixNano())
	into.TimeUnixNano = max(into.GetTimeUnixNano(), from.GetTimeUnixNano())
	into.Exemplars = append(into.Exemplars, from.GetExemplars()...)
}

// addExponential adds points at the coarser of their scales.
func addExponential(into, from *metricspb.ExponentialHistogramDataPoint) {
	scale := min(into.GetScale(), from.GetScale())
	for _, side := range [...]struct {
		into *(*metricspb.ExponentialHistogramDataPoint_Buckets)
		from *metricspb.ExponentialHistogramDataPoint_Buckets
	}{{&into.Positive, from.GetPositive()}, {&into.Negative, from.GetNegative()}} {
		*side.into = addBuckets(*side.into, into.GetScale()-scale, side.from, from.GetScale()-scale)
	}
	into.Scale = scale
	into.ZeroCount += from.GetZeroCount()
	into.ZeroThreshold = max(into.GetZeroThreshold(), from.GetZeroThreshold())
	into.Count += from.GetCount()
	into.Sum = both(into.Sum, from.Sum, func(a, b float64) float64 { return a + b })
	into.Min = either(into.Min, from.Min, func(a, b float64) float64 { return min(a, b) })
	into.Max = either(into.Max, from.Max, func(a, b float64) float64 { return max(a, b) })
	into.StartTimeUnixNano = first(into.GetStartTimeUnixNano(), from.GetStartTimeUnixNano())
	into.TimeUnixNano = max(into.GetTimeUnixNano(), from.GetTimeUnixNano())
	into.Exemplars = append(into.Exemplars, from.GetExemplars()...)
}

// addBuckets adds buckets, each made coarser by a number of scales: the index of a
// bucket is halved, rounded down, for each.
func addBuckets(a *metricspb.ExponentialHistogramDataPoint_Buckets, byA int32, b *metricspb.ExponentialHistogramDataPoint_Buckets, byB int32) *metricspb.ExponentialHistogramDataPoint_Buckets {
	lowA, highA := a.GetOffset()>>byA, (a.GetOffset()+int32(len(a.GetBucketCounts()))-1)>>byA
	lowB, highB := b.GetOffset()>>byB, (b.GetOffset()+int32(len(b.GetBucketCounts()))-1)>>byB
	switch {
	case len(a.GetBucketCounts()) == 0 && len(b.GetBucketCounts()) == 0:
		return a
	case len(a.GetBucketCounts()) == 0:
		lowA, highA = lowB, highB
	case len(b.GetBucketCounts()) == 0:
		lowB, highB = lowA, highA
	}
	low, high := min(lowA, lowB), max(highA, highB)
	sum := &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: low, BucketCounts: make([]uint64, high-low+1)}
	for i, n := range a.GetBucketCounts() {
		sum.BucketCounts[(a.GetOffset()+int32(i))>>byA-low] += n
	}
	for i, n := range b.GetBucketCounts() {
		sum.BucketCounts[(b.GetOffset()+int32(i))>>byB-low] += n
	}
	return sum
}

// both returns what f makes of two numbers, unless one is not known.
func both(a, b *float64, f func(a, b float64) float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	v := f(*a, *b)
	return &v
}

// either returns what f makes of two numbers, or the one that is known.
func either(a, b *float64, f func(a, b float64) float64) *float64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return both(a, b, f)
}

// first is the earlier of two times; 0 is not known.
func first(a, b uint64) uint64 {
	if a == 0 || b == 0 {
		return 0
	}
	return min(a, b)
}
