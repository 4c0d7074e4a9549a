package metrics_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

func Example() {
	half := engine.Node("half", func(_ context.Context, n int) (int, error) { return n / 2, nil })
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, half, list)
	})

	m, err := metrics.New(metrics.Config{}) // with Exporters they leave the program
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := engine.Config{Callbacks: []callbacks.PipelineCallback{m}}
	if _, err := p.Run(context.Background(), []int{2, 4, 6}, cfg); err != nil {
		fmt.Println(err)
	}

	scopes, _ := m.Produce(context.Background()) // as a reader of the SDK does
	for _, one := range scopes[0].Metrics {
		if h, ok := one.Data.(metricdata.Histogram[float64]); ok {
			fmt.Println(one.Name, h.DataPoints[0].Count)
		}
	}
	// Output:
	// spanloom.pipeline.run.duration 1
	// spanloom.node.duration 1
	// spanloom.node.queue.duration 1
	// spanloom.map.item.duration 3
}
