package metrics_test

import (
	"context"
	"fmt"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

func ExampleFromContext() {
	load := engine.Node("load", func(ctx context.Context, table string) (int, error) {
		rows, err := metrics.FromContext(ctx).Counter("rows.loaded", "{row}", "table")
		if err != nil {
			return 0, err
		}
		rows.Add(ctx, 120, table)
		return 120, nil
	})
	p := engine.Define("p", func(g *engine.Graph, table engine.Value[string]) engine.Value[int] {
		return engine.Add(g, load, table)
	})

	shown := &show{} // in a program, an exporter such as otlpmetricgrpc
	m, err := metrics.New(metrics.Config{Exporters: []sdkmetric.Exporter{shown}})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := engine.Config{Callbacks: []callbacks.PipelineCallback{m}}
	if _, err := p.Run(context.Background(), "users", cfg); err != nil {
		fmt.Println(err)
	}
	fmt.Println(m.Shutdown(context.Background()))
	// Output:
	// rows.loaded 120 {row} of users
	// <nil>
}

// show is an exporter that prints what node code has counted.
type show struct{}

func (show) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (show) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (show) Export(_ context.Context, data *metricdata.ResourceMetrics) error {
	for _, scope := range data.ScopeMetrics {
		for _, one := range scope.Metrics {
			if sum, ok := one.Data.(metricdata.Sum[float64]); ok && one.Name == "rows.loaded" {
				table, _ := sum.DataPoints[0].Attributes.Value("table")
				fmt.Println(one.Name, sum.DataPoints[0].Value, one.Unit, "of", table.AsString())
			}
		}
	}
	return nil
}

func (show) ForceFlush(context.Context) error { return nil }
func (show) Shutdown(context.Context) error   { return nil }
