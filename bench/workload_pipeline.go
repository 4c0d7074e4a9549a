package bench

import (
	"context"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// pipelines returns W6 and W6mixed: the time of a run without telemetry, and the time
// that telemetry adds to it. While nodes wait, processors are idle: telemetry takes
// nothing from the nodes. What it may add at most, to nodes that leave no processor
// idle, is what W1processes says.
func pipelines(s Sizes, cbs ...callbacks.PipelineCallback) (list []Workload) {
	same := func(int) time.Duration { return s.Delay }
	mixed := func(lane int) time.Duration { return time.Duration(1+lane) * s.Delay }
	for _, p := range []struct {
		name   string
		stages int
		delay  func(lane int) time.Duration
	}{
		{stagesName, s.Stages, same},
		{mixedName, (s.Stages + 2) / 3, mixed},
	} {
		quiet, loud := pipeline(s, p.stages, p.delay), pipeline(s, p.stages, p.delay, cbs...)
		list = append(list,
			Workload{Name: p.name, Engine: Spanloom, Nodes: p.stages * s.Lanes, Share: 2, Make: quiet},
			Workload{Name: p.name, Engine: addsName, Nodes: p.stages * s.Lanes, Share: 6, Make: beside(quiet, loud)})
	}
	return list
}

func pipeline(s Sizes, stages int, delay func(lane int) time.Duration, cbs ...callbacks.PipelineCallback) func() (Job, error) {
	return job(func() (step, error) {
		return spanloomTotal(spanloomPipeline(stages, s.Lanes, delay), heard(cbs...)), nil
	}, func(in int) int { return layersResult(Sizes{Layers: stages, Width: s.Lanes}, in) })
}

// spanloomPipeline is spanloomLayers for nodes that wait.
func spanloomPipeline(stages, lanes int, delay func(lane int) time.Duration) *engine.Pipeline[int, []int] {
	return engine.Define("stages", func(g *engine.Graph, in engine.Value[int]) engine.Value[[]int] {
		names := names(stages * lanes)
		stage := make([]engine.Value[int], lanes)
		for i := range stage {
			stage[i] = engine.Add(g, engine.Node(names[i], delayed(pass, delay(i))), in)
		}
		for n := 1; n < stages; n++ {
			all := engine.Collect(g, stage...)
			next := make([]engine.Value[int], lanes)
			for i := range next {
				next[i] = engine.Add(g, engine.Node(names[n*lanes+i], delayed(layerSum, delay(i))), all)
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
