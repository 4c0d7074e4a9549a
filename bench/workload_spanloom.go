package bench

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

// Spanloom is the engine of this project.
const Spanloom = "spanloom"

func spanloomWorkloads() []Workload {
	return []Workload{
		{Name: "W1", Engine: Spanloom, Nodes: ChainNodes, Run: spanloomRun(spanloomChain(), 0, ChainNodes)},
		{Name: "W2", Engine: Spanloom, Nodes: FanNodes + 2, Run: spanloomRun(spanloomFan(), 0, 2*FanNodes)},
		{Name: "W3", Engine: Spanloom, Nodes: MapItems, Run: spanloomMap()},
		{Name: "W4", Engine: Spanloom, Nodes: NestedDepth * NestedLeaves, Run: spanloomRun(spanloomNested(), 0, NestedDepth*NestedLeaves)},
		{Name: "W5", Engine: Spanloom, Nodes: Layers * LayerNodes, Run: spanloomRun(spanloomLayers(), 1, layerResult())},
	}
}

func spanloomChain() *engine.Pipeline[int, int] {
	return engine.Define("chain", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for i := range ChainNodes {
			v = engine.Add(g, engine.Node(fmt.Sprint("n", i), increment), v)
		}
		return v
	})
}

func spanloomFan() *engine.Pipeline[int, int] {
	return engine.Define("fan", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		root := engine.Add(g, engine.Node("root", increment), in)
		fan := make([]engine.Value[int], FanNodes)
		for i := range fan {
			fan[i] = engine.Add(g, engine.Node(fmt.Sprint("n", i), increment), root)
		}
		return engine.Add(g, engine.Node("join", spanloomSum), engine.Collect(g, fan...))
	})
}

func spanloomMap() func() error {
	p := engine.Define("map", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("triple", triple), in)
	})
	items := make([]int, MapItems)
	for i := range items {
		items[i] = i
	}
	last, _ := triple(context.Background(), MapItems-1)
	return func() error {
		out, err := p.Run(context.Background(), items)
		if err != nil {
			return err
		}
		return wrong(out[MapItems-1], last)
	}
}

func spanloomNested() *engine.Pipeline[int, int] {
	var inner *engine.Pipeline[int, int]
	for range NestedDepth {
		around := inner
		inner = engine.Define("nested", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
			for leaf := range NestedLeaves {
				if leaf == NestedLeaves/2 && around != nil {
					v = engine.Add(g, around, v)
				}
				v = engine.Add(g, engine.Node(fmt.Sprint("n", leaf), increment), v)
			}
			return v
		})
	}
	return inner
}

func spanloomLayers() *engine.Pipeline[int, int] {
	return engine.Define("layers", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		layer := make([]engine.Value[int], LayerNodes)
		for i := range layer {
			layer[i] = engine.Add(g, engine.Node(fmt.Sprint("n0.", i), func(_ context.Context, v int) (int, error) { return v, nil }), in)
		}
		for l := 1; l < Layers; l++ {
			all := engine.Collect(g, layer...)
			next := make([]engine.Value[int], LayerNodes)
			for i := range next {
				next[i] = engine.Add(g, engine.Node(fmt.Sprintf("n%d.%d", l, i), func(ctx context.Context, list []int) (int, error) {
					total, err := spanloomSum(ctx, list)
					return total % layerModulus, err
				}), all)
			}
			layer = next
		}
		return layer[0]
	})
}

func spanloomSum(_ context.Context, list []int) (total int, err error) {
	for _, v := range list {
		total += v
	}
	return total, nil
}

func spanloomRun(p *engine.Pipeline[int, int], in, want int) func() error {
	return func() error {
		got, err := p.Run(context.Background(), in)
		if err != nil {
			return err
		}
		return wrong(got, want)
	}
}
