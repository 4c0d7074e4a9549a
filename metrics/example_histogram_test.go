package metrics_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

func ExampleRecorder_Histogram() {
	load := engine.Node("load", func(ctx context.Context, tables []string) (int, error) {
		// 10 and 100 are bounds of buckets; table and format are labels.
		rows, err := metrics.FromContext(ctx).Histogram("batch.rows", "{row}", []float64{10, 100}, "table", "format")
		if err != nil {
			return 0, err // which says what is wrong with a name, the unit, a bound or a label
		}
		for i, table := range tables {
			rows.Record(ctx, float64(10+i), table, "csv") // values of the labels, in their order
		}
		return len(tables), nil
	})
	p := engine.Define("p", func(g *engine.Graph, tables engine.Value[[]string]) engine.Value[int] {
		return engine.Add(g, load, tables)
	})

	reader := sdkmetric.NewManualReader() // spanloom.Open has a provider that goes to the backends
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	ctx := context.WithValue(context.Background(), metrics.ProviderKey{}, provider)
	fmt.Println(p.Run(ctx, []string{"users", "users"}))

	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		fmt.Println(err)
		return
	}
	m := data.ScopeMetrics[0].Metrics[0]
	if h, ok := m.Data.(metricdata.Histogram[float64]); ok {
		for _, point := range h.DataPoints {
			fmt.Println(m.Name, point.Attributes.Encoded(attribute.DefaultEncoder()), point.Count, point.Bounds, point.BucketCounts)
		}
	}
	// Output:
	// 2 <nil>
	// batch.rows format=csv,table=users 2 [10 100] [1 1 0]
}
