package bench

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

// Spanloom is the engine of this project.
const Spanloom = "spanloom"

// allName is Spanloom with as many nodes at once as W2 has side by side.
const allName = Spanloom + "+1000"

// ours is the engine as it comes.
func ours() contender {
	return contender{
		name:   Spanloom,
		chain:  func(n int) (step, error) { return spanloomStep(spanloomChain(names(n))), nil },
		fan:    func(n int, leaf step) (step, error) { return spanloomStep(spanloomFan(n, leaf)), nil },
		items:  func(int) (mapper, error) { return spanloomItems(), nil },
		nested: func(pipelines, leaves int) (step, error) { return spanloomStep(spanloomNested(pipelines, leaves)), nil },
		layers: func(layers, width int) (step, error) {
			return spanloomTotal(spanloomLayers(layers, width, names(layers*width))), nil
		},
		sleepy: func(n int, leaf step) (step, error) { return spanloomStep(spanloomFan(n, leaf)), nil },
	}
}

// oursAtOnce lets n nodes run at once.
func oursAtOnce(n int) contender {
	return contender{
		name: allName,
		sleepy: func(width int, leaf step) (step, error) {
			return spanloomStep(spanloomFan(width, leaf), engine.Config{Concurrency: n}), nil
		},
	}
}

// names returns n names of nodes.
func names(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("n", i)
	}
	return list
}

func spanloomChain(names []string) *engine.Pipeline[int, int] {
	return engine.Define("chain", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for _, name := range names {
			v = engine.Add(g, engine.Node(name, increment), v)
		}
		return v
	})
}

func spanloomFan(n int, leaf step) *engine.Pipeline[int, int] {
	return engine.Define("fan", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		root := engine.Add(g, engine.Node("root", increment), in)
		fan := make([]engine.Value[int], n)
		for i, name := range names(n) {
			fan[i] = engine.Add(g, engine.Node(name, leaf), root)
		}
		return engine.Add(g, engine.Node("join", sum), engine.Collect(g, fan...))
	})
}

func spanloomItems(cfg ...engine.Config) mapper {
	p := engine.Define("map", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("triple", triple), in)
	})
	return func(ctx context.Context, items []int) ([]int, error) { return p.Run(ctx, items, cfg...) }
}

func spanloomNested(pipelines, leaves int) *engine.Pipeline[int, int] {
	var inner *engine.Pipeline[int, int]
	for range pipelines {
		inside := inner
		inner = engine.Define("nested", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
			before, after := around(leaves, inside == nil)
			names := names(before + after)
			for _, name := range names[:before] {
				v = engine.Add(g, engine.Node(name, increment), v)
			}
			if inside != nil {
				v = engine.Add(g, inside, v)
			}
			for _, name := range names[before:] {
				v = engine.Add(g, engine.Node(name, increment), v)
			}
			return v
		})
	}
	return inner
}

func spanloomLayers(layers, width int, names []string) *engine.Pipeline[int, []int] {
	return engine.Define("layers", func(g *engine.Graph, in engine.Value[int]) engine.Value[[]int] {
		layer := make([]engine.Value[int], width)
		for i := range layer {
			layer[i] = engine.Add(g, engine.Node(names[i], pass), in)
		}
		for l := 1; l < layers; l++ {
			all := engine.Collect(g, layer...)
			next := make([]engine.Value[int], width)
			for i := range next {
				next[i] = engine.Add(g, engine.Node(names[l*width+i], layerSum), all)
			}
			layer = next
		}
		return engine.Collect(g, layer...)
	})
}

func spanloomStep(p *engine.Pipeline[int, int], cfg ...engine.Config) step {
	return func(ctx context.Context, in int) (int, error) { return p.Run(ctx, in, cfg...) }
}

// spanloomTotal sums what a pipeline gives.
func spanloomTotal(p *engine.Pipeline[int, []int], cfg ...engine.Config) step {
	return func(ctx context.Context, in int) (int, error) {
		list, err := p.Run(ctx, in, cfg...)
		if err != nil {
			return 0, err
		}
		return sum(ctx, list)
	}
}
