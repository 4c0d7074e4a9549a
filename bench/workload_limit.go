package bench

import (
	"context"

	"github.com/spanloom/spanloom/bench/limit"
)

// Limit is the engine that all others are compared with.
const Limit = "limit"

// limitScheduler is the scheduler in package limit.
func limitScheduler() contender {
	return contender{
		name:   Limit,
		chain:  func(n int) (step, error) { return limitChain(n).step(), nil },
		fan:    limitFan,
		items:  limitItems,
		nested: limitNested,
		layers: func(layers, width int) (step, error) { return limitLayers(layers, width).step(), nil },
	}
}

// limitPlan is a compiled graph of ints. What it gives is the sum of outs.
type limitPlan struct {
	plan *limit.Plan
	in   limit.Value[int]
	outs []limit.Value[int]
}

func (p limitPlan) run(ctx context.Context, v int) (total int, err error) {
	err = p.plan.Do(ctx,
		func(r *limit.Run) { limit.Set(r, p.in, v) },
		func(r *limit.Run) {
			for _, out := range p.outs {
				total += limit.Get(r, out)
			}
		})
	return total, err
}

// step returns run for one caller at a time, which allocates nothing.
func (p limitPlan) step() step {
	var in, total int
	before := func(r *limit.Run) { limit.Set(r, p.in, in) }
	after := func(r *limit.Run) {
		for _, out := range p.outs {
			total += limit.Get(r, out)
		}
	}
	return func(ctx context.Context, v int) (int, error) {
		in, total = v, 0
		err := p.plan.Do(ctx, before, after)
		return total, err
	}
}

func limitChain(n int) limitPlan {
	var g limit.Graph
	in := limit.Input[int](&g)
	out := in
	for range n {
		out = limit.Add(&g, out, increment)
	}
	return limitPlan{plan: g.Compile(), in: in, outs: []limit.Value[int]{out}}
}

func limitFan(n int, leaf step) (step, error) {
	var g limit.Graph
	in := limit.Input[int](&g)
	root := limit.Add(&g, in, increment)
	fan := make([]limit.Value[int], n)
	for i := range fan {
		fan[i] = limit.Add(&g, root, leaf)
	}
	join := limit.Join(&g, fan, limitSum)
	return limitPlan{plan: g.Compile(), in: in, outs: []limit.Value[int]{join}}.step(), nil
}

func limitItems(int) (mapper, error) {
	return func(ctx context.Context, items []int) ([]int, error) { return limit.Map(ctx, items, 1, triple) }, nil
}

// limitNested gives every pipeline a plan of its own, which a node in the
// middle of the one around it runs.
func limitNested(pipelines, leaves int) (step, error) {
	var inner step
	for range pipelines {
		var g limit.Graph
		in := limit.Input[int](&g)
		out := in
		before, after := around(leaves, inner == nil)
		for range before {
			out = limit.Add(&g, out, increment)
		}
		if inner != nil {
			out = limit.Add(&g, out, inner)
		}
		for range after {
			out = limit.Add(&g, out, increment)
		}
		inner = limitPlan{plan: g.Compile(), in: in, outs: []limit.Value[int]{out}}.run
	}
	return inner, nil
}

// around returns how many leaves of a pipeline of W4 come before the pipeline
// inside it, and how many after.
func around(leaves int, innermost bool) (before, after int) {
	if innermost {
		leaves = max(leaves, 1)
	}
	return leaves / 2, leaves - leaves/2
}

func limitLayers(layers, width int) limitPlan {
	var g limit.Graph
	in := limit.Input[int](&g)
	layer := make([]limit.Value[int], width)
	for i := range layer {
		layer[i] = limit.Add(&g, in, pass)
	}
	for range layers - 1 {
		next := make([]limit.Value[int], width)
		for i := range next {
			next[i] = limit.Join(&g, layer, func(ctx context.Context, in limit.Inputs[int]) (int, error) {
				total, err := limitSum(ctx, in)
				return total % layerModulus, err
			})
		}
		layer = next
	}
	return limitPlan{plan: g.Compile(), in: in, outs: layer}
}

func limitSum(_ context.Context, in limit.Inputs[int]) (total int, err error) {
	for i := range in.Len() {
		total += in.At(i)
	}
	return total, nil
}
