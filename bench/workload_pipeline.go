package bench

import (
	"context"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// pipeline returns W6 with and without telemetry. While its nodes wait, processors
// are idle: telemetry takes nothing from the nodes. What it may add at most, to nodes
// that leave no processor idle, is what W1processes says.
func pipeline(s Sizes, engineName string, cbs ...callbacks.PipelineCallback) Workload {
	return Workload{
		Name: stagesName, Engine: engineName, Nodes: s.Stages * s.Lanes, Share: 10,
		Make: job(func() (step, error) {
			return spanloomTotal(spanloomPipeline(s.Stages, s.Lanes, s.Delay), heard(cbs...)), nil
		}, func(in int) int { return layersResult(Sizes{Layers: s.Stages, Width: s.Lanes}, in) }),
	}
}

// spanloomPipeline is spanloomLayers for nodes that wait.
func spanloomPipeline(stages, lanes int, delay time.Duration) *engine.Pipeline[int, []int] {
	return engine.Define("stages", func(g *engine.Graph, in engine.Value[int]) engine.Value[[]int] {
		names := names(stages * lanes)
		stage := make([]engine.Value[int], lanes)
		for i := range stage {
			stage[i] = engine.Add(g, engine.Node(names[i], delayed(pass, delay)), in)
		}
		for n := 1; n < stages; n++ {
			all := engine.Collect(g, stage...)
			next := make([]engine.Value[int], lanes)
			for i := range next {
				next[i] = engine.Add(g, engine.Node(names[n*lanes+i], delayed(layerSum, delay)), all)
			}
			stage = next
		}
		return engine.Collect(g, stage...)
	})
}

func delayed[I any](do func(context.Context, I) (int, error), delay time.Duration) func(context.Context, I) (int, error) {
	return func(ctx context.Context, in I) (int, error) {
		time.Sleep(delay)
		return do(ctx, in)
	}
}
