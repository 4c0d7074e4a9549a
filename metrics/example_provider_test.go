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

func ExampleProviderKey() {
	m, err := metrics.New(metrics.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A program with a MeterProvider of its own: a PeriodicReader takes the same option.
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(m))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))

	count := engine.Node("count", func(ctx context.Context, n int) (int, error) {
		size, err := metrics.FromContext(ctx).Gauge("queue.length", "{message}")
		size.Set(ctx, float64(n))
		return n, err
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, count, n)
	})
	ctx := context.WithValue(context.Background(), metrics.ProviderKey{}, provider)
	if _, err := p.Run(ctx, 7, engine.Config{Callbacks: []callbacks.PipelineCallback{m}}); err != nil {
		fmt.Println(err)
	}

	var data metricdata.ResourceMetrics
	fmt.Println(reader.Collect(ctx, &data))
	for _, scope := range data.ScopeMetrics {
		for _, one := range scope.Metrics {
			fmt.Println(one.Name)
		}
	}
	// Output:
	// <nil>
	// queue.length
	// spanloom.pipeline.run.duration
	// spanloom.node.duration
	// spanloom.node.queue.duration
	// spanloom.pipeline.run.active
	// spanloom.node.active
	// spanloom.worker.usage
	// spanloom.worker.limit
	// spanloom.worker.queue.size
}
