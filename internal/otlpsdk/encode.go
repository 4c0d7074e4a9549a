package otlpsdk

import (
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/spanloom/spanloom/internal/otlpattribute"
)

// Request is the way back from [Metrics]: a collection of the SDK as a request. A kind
// of metric that is not known is left out. It shares buckets and bounds with m, for as
// long as the request is used.
func Request(m *metricdata.ResourceMetrics) *colmetricspb.ExportMetricsServiceRequest {
	out := &metricspb.ResourceMetrics{
		Resource:  &resourcepb.Resource{Attributes: otlpattribute.To(m.Resource.Attributes())},
		SchemaUrl: m.Resource.SchemaURL(),
	}
	for i := range m.ScopeMetrics {
		s := &m.ScopeMetrics[i]
		scope := &metricspb.ScopeMetrics{
			Scope: &commonpb.InstrumentationScope{
				Name: s.Scope.Name, Version: s.Scope.Version,
				Attributes: otlpattribute.To(s.Scope.Attributes.ToSlice()),
			},
			SchemaUrl: s.Scope.SchemaURL,
		}
		for _, metric := range s.Metrics {
			encoded := &metricspb.Metric{Name: metric.Name, Description: metric.Description, Unit: metric.Unit}
			if encode(metric.Data, encoded) {
				scope.Metrics = append(scope.Metrics, encoded)
			}
		}
		out.ScopeMetrics = append(out.ScopeMetrics, scope)
	}
	return &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{out}}
}

// encode sets the data of a metric, and reports whether its kind is known.
func encode(data metricdata.Aggregation, to *metricspb.Metric) bool {
	switch d := data.(type) {
	case metricdata.Gauge[int64]:
		to.Data = encodeGauge(d)
	case metricdata.Gauge[float64]:
		to.Data = encodeGauge(d)
	case metricdata.Sum[int64]:
		to.Data = encodeSum(d)
	case metricdata.Sum[float64]:
		to.Data = encodeSum(d)
	case metricdata.Histogram[int64]:
		to.Data = encodeHistogram(d)
	case metricdata.Histogram[float64]:
		to.Data = encodeHistogram(d)
	case metricdata.ExponentialHistogram[int64]:
		to.Data = encodeExponential(d)
	case metricdata.ExponentialHistogram[float64]:
		to.Data = encodeExponential(d)
	case metricdata.Summary:
		to.Data = &metricspb.Metric_Summary{Summary: &metricspb.Summary{DataPoints: each(d.DataPoints, encodeSummary)}}
	default:
		return false
	}
	return true
}

func encodeGauge[N int64 | float64](g metricdata.Gauge[N]) *metricspb.Metric_Gauge {
	return &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: each(g.DataPoints, encodePoint[N])}}
}

func encodeSum[N int64 | float64](s metricdata.Sum[N]) *metricspb.Metric_Sum {
	return &metricspb.Metric_Sum{Sum: &metricspb.Sum{
		DataPoints:             each(s.DataPoints, encodePoint[N]),
		AggregationTemporality: encodeTemporality(s.Temporality), IsMonotonic: s.IsMonotonic,
	}}
}

func encodeHistogram[N int64 | float64](h metricdata.Histogram[N]) *metricspb.Metric_Histogram {
	return &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{
		AggregationTemporality: encodeTemporality(h.Temporality),
		DataPoints: each(h.DataPoints, func(p metricdata.HistogramDataPoint[N]) *metricspb.HistogramDataPoint {
			return &metricspb.HistogramDataPoint{
				Attributes:        otlpattribute.To(p.Attributes.ToSlice()),
				StartTimeUnixNano: nanoOf(p.StartTime), TimeUnixNano: nanoOf(p.Time),
				Count: p.Count, Sum: new(float64(p.Sum)), ExplicitBounds: p.Bounds, BucketCounts: p.BucketCounts,
				Min: encodeExtrema(p.Min), Max: encodeExtrema(p.Max), Exemplars: each(p.Exemplars, encodeExemplar[N]),
			}
		}),
	}}
}

func encodeExponential[N int64 | float64](h metricdata.ExponentialHistogram[N]) *metricspb.Metric_ExponentialHistogram {
	bucket := func(b metricdata.ExponentialBucket) *metricspb.ExponentialHistogramDataPoint_Buckets {
		return &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: b.Offset, BucketCounts: b.Counts}
	}
	return &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{
		AggregationTemporality: encodeTemporality(h.Temporality),
		DataPoints: each(h.DataPoints, func(p metricdata.ExponentialHistogramDataPoint[N]) *metricspb.ExponentialHistogramDataPoint {
			return &metricspb.ExponentialHistogramDataPoint{
				Attributes:        otlpattribute.To(p.Attributes.ToSlice()),
				StartTimeUnixNano: nanoOf(p.StartTime), TimeUnixNano: nanoOf(p.Time),
				Count: p.Count, Sum: new(float64(p.Sum)), Scale: p.Scale, ZeroCount: p.ZeroCount, ZeroThreshold: p.ZeroThreshold,
				Positive: bucket(p.PositiveBucket), Negative: bucket(p.NegativeBucket),
				Min: encodeExtrema(p.Min), Max: encodeExtrema(p.Max), Exemplars: each(p.Exemplars, encodeExemplar[N]),
			}
		}),
	}}
}

func encodeSummary(p metricdata.SummaryDataPoint) *metricspb.SummaryDataPoint {
	return &metricspb.SummaryDataPoint{
		Attributes:        otlpattribute.To(p.Attributes.ToSlice()),
		StartTimeUnixNano: nanoOf(p.StartTime), TimeUnixNano: nanoOf(p.Time),
		Count: p.Count, Sum: p.Sum,
		QuantileValues: each(p.QuantileValues, func(q metricdata.QuantileValue) *metricspb.SummaryDataPoint_ValueAtQuantile {
			return &metricspb.SummaryDataPoint_ValueAtQuantile{Quantile: q.Quantile, Value: q.Value}
		}),
	}
}

func encodePoint[N int64 | float64](p metricdata.DataPoint[N]) *metricspb.NumberDataPoint {
	out := &metricspb.NumberDataPoint{
		Attributes:        otlpattribute.To(p.Attributes.ToSlice()),
		StartTimeUnixNano: nanoOf(p.StartTime), TimeUnixNano: nanoOf(p.Time),
		Exemplars: each(p.Exemplars, encodeExemplar[N]),
	}
	switch v := any(p.Value).(type) {
	case int64:
		out.Value = &metricspb.NumberDataPoint_AsInt{AsInt: v}
	case float64:
		out.Value = &metricspb.NumberDataPoint_AsDouble{AsDouble: v}
	}
	return out
}

func encodeExemplar[N int64 | float64](e metricdata.Exemplar[N]) *metricspb.Exemplar {
	out := &metricspb.Exemplar{
		FilteredAttributes: otlpattribute.To(e.FilteredAttributes), TimeUnixNano: nanoOf(e.Time),
		SpanId: e.SpanID, TraceId: e.TraceID,
	}
	switch v := any(e.Value).(type) {
	case int64:
		out.Value = &metricspb.Exemplar_AsInt{AsInt: v}
	case float64:
		out.Value = &metricspb.Exemplar_AsDouble{AsDouble: v}
	}
	return out
}

func encodeTemporality(t metricdata.Temporality) metricspb.AggregationTemporality {
	if t == metricdata.DeltaTemporality {
		return metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
	}
	return metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
}

func encodeExtrema[N int64 | float64](e metricdata.Extrema[N]) *float64 {
	v, ok := e.Value()
	if !ok {
		return nil
	}
	return new(float64(v))
}

// nanoOf is 0 for the zero time, and for times before 1970.
func nanoOf(t time.Time) uint64 { return uint64(max(0, t.UnixNano())) }
