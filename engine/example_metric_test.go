package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleMetric() {
	train := engine.Node("train", func(ctx context.Context, rows []float64) (float64, error) {
		engine.Metric(ctx, "rows", float64(len(rows)))
		loss := 1.0
		for _, r := range rows {
			loss *= r
			engine.Metric(ctx, "model.loss", loss)
		}
		return loss, nil
	})
	p := engine.Define("p", func(g *engine.Graph, rows engine.Value[[]float64]) engine.Value[float64] {
		return engine.Add(g, train, rows)
	})
	values := callbacks.Funcs{Metric: func(cc *callbacks.CallbackContext, ev callbacks.Metric) {
		fmt.Println(cc.Path(), ev.Name, ev.Value)
	}}

	fmt.Println(p.Run(context.Background(), []float64{0.5, 0.5},
		engine.Config{Callbacks: []callbacks.PipelineCallback{values}}))
	// Output:
	// p/train rows 2
	// p/train model.loss 0.5
	// p/train model.loss 0.25
	// 0.25 <nil>
}
