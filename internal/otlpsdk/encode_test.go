package otlpsdk_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/spanloom/spanloom/internal/otlpsdk"
)

// TestRequest compares what a collection becomes with what the SDK's own exporter makes
// of it.
func TestRequest(t *testing.T) {
	t.Parallel()
	m := &metricdata.ResourceMetrics{
		Resource: resource.NewWithAttributes("https://schema/1", attribute.String("service.name", "shop"), attribute.StringSlice("zones", []string{"a", "b"})),
		ScopeMetrics: []metricdata.ScopeMetrics{
			{
				Scope:   instrumentation.Scope{Name: "lib", Version: "2", SchemaURL: "https://schema/2", Attributes: attribute.NewSet(attribute.Bool("x", true))},
				Metrics: append(numberMetrics[int64]("whole"), numberMetrics[float64]("real")...),
			},
			{
				Scope: instrumentation.Scope{Name: "empty"},
				Metrics: []metricdata.Metrics{
					{Name: "summary", Data: metricdata.Summary{DataPoints: []metricdata.SummaryDataPoint{{
						Attributes: set, StartTime: begun, Time: seen, Count: 2, Sum: 3, QuantileValues: []metricdata.QuantileValue{{Quantile: 0.5, Value: 1}},
					}}}},
				},
			},
		},
	}
	conn, want := kept(t)
	e, err := otlpmetricgrpc.New(t.Context(), otlpmetricgrpc.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*want, []proto.Message{otlpsdk.Request(m)}, protocmp.Transform()); diff != "" {
		t.Errorf("(-by the SDK +here)\n%s", diff)
	}
	m.ScopeMetrics[0].Metrics = []metricdata.Metrics{{Name: "of no kind"}}
	if got := otlpsdk.Request(m).GetResourceMetrics()[0].GetScopeMetrics()[0].GetMetrics(); len(got) != 0 {
		t.Errorf("a metric without data is kept: %v", got)
	}
}

var (
	begun, seen = time.Unix(1, 0), time.Unix(2, 5)
	set         = attribute.NewSet(attribute.Int("n", 7), attribute.String("k", "v"))
)

// numberMetrics has a metric of each kind.
func numberMetrics[N int64 | float64](prefix string) []metricdata.Metrics {
	points := []metricdata.DataPoint[N]{
		{Attributes: set, StartTime: begun, Time: seen, Value: -3, Exemplars: []metricdata.Exemplar[N]{{
			FilteredAttributes: set.ToSlice(), Time: seen, Value: 4, SpanID: spanID, TraceID: traceID,
		}}},
		{Value: 0},
	}
	return []metricdata.Metrics{
		{Name: prefix + ".gauge", Description: "told", Unit: "By", Data: metricdata.Gauge[N]{DataPoints: points}},
		{Name: prefix + ".sum", Data: metricdata.Sum[N]{DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true}},
		{Name: prefix + ".delta", Data: metricdata.Sum[N]{DataPoints: points, Temporality: metricdata.DeltaTemporality}},
		{Name: prefix + ".histogram", Data: metricdata.Histogram[N]{Temporality: metricdata.CumulativeTemporality, DataPoints: []metricdata.HistogramDataPoint[N]{
			{
				Attributes: set, StartTime: begun, Time: seen, Count: 3, Sum: 9, Bounds: []float64{1, 2}, BucketCounts: []uint64{1, 1, 1},
				Min: metricdata.NewExtrema[N](1), Max: metricdata.NewExtrema[N](5), Exemplars: points[0].Exemplars,
			},
			{Count: 1},
		}}},
		{Name: prefix + ".exponential", Data: metricdata.ExponentialHistogram[N]{Temporality: metricdata.DeltaTemporality, DataPoints: []metricdata.ExponentialHistogramDataPoint[N]{{
			Attributes: set, StartTime: begun, Time: seen, Count: 3, Sum: 9, Scale: 2, ZeroCount: 1, ZeroThreshold: 0.1,
			PositiveBucket: metricdata.ExponentialBucket{Offset: 1, Counts: []uint64{2}}, NegativeBucket: metricdata.ExponentialBucket{Offset: -1, Counts: []uint64{1}},
			Min: metricdata.NewExtrema[N](1), Max: metricdata.NewExtrema[N](5), Exemplars: points[0].Exemplars,
		}}}},
	}
}
