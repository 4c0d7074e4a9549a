package otlpsdk

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/spanloom/spanloom/internal/otlpattribute"
)

// Metrics returns the metrics of a request, of each resource apart.
func Metrics(request *colmetricspb.ExportMetricsServiceRequest) (list []*metricdata.ResourceMetrics) {
	for _, r := range request.GetResourceMetrics() {
		out := &metricdata.ResourceMetrics{Resource: resourceOf(r.GetResource(), r.GetSchemaUrl())}
		for _, s := range r.GetScopeMetrics() {
			scope := metricdata.ScopeMetrics{Scope: scopeOf(s.GetScope(), s.GetSchemaUrl())}
			for _, m := range s.GetMetrics() {
				if data := dataOf(m); data != nil {
					scope.Metrics = append(scope.Metrics, metricdata.Metrics{
						Name: m.GetName(), Description: m.GetDescription(), Unit: m.GetUnit(), Data: data,
					})
				}
			}
			out.ScopeMetrics = append(out.ScopeMetrics, scope)
		}
		list = append(list, out)
	}
	return list
}

// dataOf returns nil for a kind of metric that is not known.
func dataOf(m *metricspb.Metric) metricdata.Aggregation {
	switch d := m.GetData().(type) {
	case *metricspb.Metric_Gauge:
		if points := d.Gauge.GetDataPoints(); whole(points) {
			return metricdata.Gauge[int64]{DataPoints: numbers(points, wholeValue)}
		}
		return metricdata.Gauge[float64]{DataPoints: numbers(d.Gauge.GetDataPoints(), realValue)}
	case *metricspb.Metric_Sum:
		temporality, monotonic := temporalityOf(d.Sum.GetAggregationTemporality()), d.Sum.GetIsMonotonic()
		if points := d.Sum.GetDataPoints(); whole(points) {
			return metricdata.Sum[int64]{DataPoints: numbers(points, wholeValue), Temporality: temporality, IsMonotonic: monotonic}
		}
		return metricdata.Sum[float64]{DataPoints: numbers(d.Sum.GetDataPoints(), realValue), Temporality: temporality, IsMonotonic: monotonic}
	case *metricspb.Metric_Histogram:
		return metricdata.Histogram[float64]{
			DataPoints: each(d.Histogram.GetDataPoints(), histogram), Temporality: temporalityOf(d.Histogram.GetAggregationTemporality()),
		}
	case *metricspb.Metric_ExponentialHistogram:
		return metricdata.ExponentialHistogram[float64]{
			DataPoints:  each(d.ExponentialHistogram.GetDataPoints(), exponential),
			Temporality: temporalityOf(d.ExponentialHistogram.GetAggregationTemporality()),
		}
	case *metricspb.Metric_Summary:
		return metricdata.Summary{DataPoints: each(d.Summary.GetDataPoints(), summary)}
	default:
		return nil
	}
}

func temporalityOf(t metricspb.AggregationTemporality) metricdata.Temporality {
	if t == metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
		return metricdata.DeltaTemporality
	}
	return metricdata.CumulativeTemporality
}

// whole reports whether all points are integers. An instrument has one type.
func whole(points []*metricspb.NumberDataPoint) bool {
	for _, p := range points {
		if _, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); !ok {
			return false
		}
	}
	return true
}

// numeric is a point or an exemplar: either has one of the two.
type numeric interface {
	GetAsInt() int64
	GetAsDouble() float64
}

func wholeValue(n numeric) int64 { return n.GetAsInt() }

func realValue(n numeric) float64 {
	if i := n.GetAsInt(); i != 0 {
		return float64(i)
	}
	return n.GetAsDouble()
}

func numbers[N int64 | float64](points []*metricspb.NumberDataPoint, value func(numeric) N) []metricdata.DataPoint[N] {
	return each(points, func(p *metricspb.NumberDataPoint) metricdata.DataPoint[N] {
		return metricdata.DataPoint[N]{
			Attributes: attribute.NewSet(otlpattribute.From(p.GetAttributes())...),
			StartTime:  timeOf(p.GetStartTimeUnixNano()), Time: timeOf(p.GetTimeUnixNano()),
			Value: value(p), Exemplars: exemplars(p.GetExemplars(), value),
		}
	})
}

func exemplars[N int64 | float64](list []*metricspb.Exemplar, value func(numeric) N) []metricdata.Exemplar[N] {
	if len(list) == 0 {
		return nil
	}
	return each(list, func(e *metricspb.Exemplar) metricdata.Exemplar[N] {
		return metricdata.Exemplar[N]{
			FilteredAttributes: otlpattribute.From(e.GetFilteredAttributes()), Time: timeOf(e.GetTimeUnixNano()),
			Value: value(e), SpanID: e.GetSpanId(), TraceID: e.GetTraceId(),
		}
	})
}

func histogram(p *metricspb.HistogramDataPoint) metricdata.HistogramDataPoint[float64] {
	return metricdata.HistogramDataPoint[float64]{
		Attributes: attribute.NewSet(otlpattribute.From(p.GetAttributes())...),
		StartTime:  timeOf(p.GetStartTimeUnixNano()), Time: timeOf(p.GetTimeUnixNano()),
		Count: p.GetCount(), Sum: p.GetSum(), Bounds: p.GetExplicitBounds(), BucketCounts: p.GetBucketCounts(),
		Min: extrema(p.Min), Max: extrema(p.Max), Exemplars: exemplars(p.GetExemplars(), realValue),
	}
}

func exponential(p *metricspb.ExponentialHistogramDataPoint) metricdata.ExponentialHistogramDataPoint[float64] {
	bucket := func(b *metricspb.ExponentialHistogramDataPoint_Buckets) metricdata.ExponentialBucket {
		return metricdata.ExponentialBucket{Offset: b.GetOffset(), Counts: b.GetBucketCounts()}
	}
	return metricdata.ExponentialHistogramDataPoint[float64]{
		Attributes: attribute.NewSet(otlpattribute.From(p.GetAttributes())...),
		StartTime:  timeOf(p.GetStartTimeUnixNano()), Time: timeOf(p.GetTimeUnixNano()),
		Count: p.GetCount(), Sum: p.GetSum(), Scale: p.GetScale(), ZeroCount: p.GetZeroCount(), ZeroThreshold: p.GetZeroThreshold(),
		PositiveBucket: bucket(p.GetPositive()), NegativeBucket: bucket(p.GetNegative()),
		Min: extrema(p.Min), Max: extrema(p.Max), Exemplars: exemplars(p.GetExemplars(), realValue),
	}
}

func extrema(v *float64) (e metricdata.Extrema[float64]) {
	if v != nil {
		e = metricdata.NewExtrema(*v)
	}
	return e
}

func summary(p *metricspb.SummaryDataPoint) metricdata.SummaryDataPoint {
	return metricdata.SummaryDataPoint{
		Attributes: attribute.NewSet(otlpattribute.From(p.GetAttributes())...),
		StartTime:  timeOf(p.GetStartTimeUnixNano()), Time: timeOf(p.GetTimeUnixNano()),
		Count: p.GetCount(), Sum: p.GetSum(),
		QuantileValues: each(p.GetQuantileValues(), func(q *metricspb.SummaryDataPoint_ValueAtQuantile) metricdata.QuantileValue {
			return metricdata.QuantileValue{Quantile: q.GetQuantile(), Value: q.GetValue()}
		}),
	}
}
