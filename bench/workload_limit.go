package bench

import (
	"context"

	"github.com/spanloom/spanloom/bench/limit"
)

func limitWorkloads() []Workload {
	return []Workload{
		{Name: "W1", Engine: Limit, Nodes: ChainNodes, Run: limitChain()},
		{Name: "W2", Engine: Limit, Nodes: FanNodes + 2, Run: limitFan()},
		{Name: "W3", Engine: Limit, Nodes: MapItems, Run: limitMap()},
		{Name: "W4", Engine: Limit, Nodes: NestedDepth * NestedLeaves, Run: limitNested()},
		{Name: "W5", Engine: Limit, Nodes: Layers * LayerNodes, Run: limitLayers()},
	}
}

func limitChain() func() error {
	var g limit.Graph
	in := limit.Input[int](&g)
	out := in
	for range ChainNodes {
		out = limit.Add(&g, out, increment)
	}
	return limitRun(&g, in, 0, out, ChainNodes)
}

func limitFan() func() error {
	var g limit.Graph
	in := limit.Input[int](&g)
	root := limit.Add(&g, in, increment)
	fan := make([]limit.Value[int], FanNodes)
	for i := range fan {
		fan[i] = limit.Add(&g, root, increment)
	}
	return limitRun(&g, in, 0, limit.Join(&g, fan, limitSum), 2*FanNodes)
}

func limitMap() func() error {
	items := make([]int, MapItems)
	for i := range items {
		items[i] = i
	}
	last, _ := triple(context.Background(), MapItems-1)
	return func() error {
		out, err := limit.Map(context.Background(), items, 1, triple)
		if err != nil {
			return err
		}
		return wrong(out[MapItems-1], last)
	}
}

// limitNested gives every pipeline a plan of its own, which a node in the
// middle of the one around it runs.
func limitNested() func() error {
	var inner func(context.Context, int) (int, error)
	for range NestedDepth {
		var g limit.Graph
		in := limit.Input[int](&g)
		out := in
		for leaf := range NestedLeaves {
			if leaf == NestedLeaves/2 && inner != nil {
				out = limit.Add(&g, out, inner)
			}
			out = limit.Add(&g, out, increment)
		}
		plan := g.Compile()
		inner = func(ctx context.Context, v int) (result int, err error) {
			err = plan.Do(ctx,
				func(r *limit.Run) { limit.Set(r, in, v) },
				func(r *limit.Run) { result = limit.Get(r, out) })
			return result, err
		}
	}
	return func() error {
		got, err := inner(context.Background(), 0)
		if err != nil {
			return err
		}
		return wrong(got, NestedDepth*NestedLeaves)
	}
}

func limitLayers() func() error {
	var g limit.Graph
	in := limit.Input[int](&g)
	layer := make([]limit.Value[int], LayerNodes)
	for i := range layer {
		layer[i] = limit.Add(&g, in, func(_ context.Context, v int) (int, error) { return v, nil })
	}
	for range Layers - 1 {
		next := make([]limit.Value[int], LayerNodes)
		for i := range next {
			next[i] = limit.Join(&g, layer, func(ctx context.Context, in limit.Inputs[int]) (int, error) {
				total, err := limitSum(ctx, in)
				return total % layerModulus, err
			})
		}
		layer = next
	}
	return limitRun(&g, in, 1, layer[0], layerResult())
}

func limitSum(_ context.Context, in limit.Inputs[int]) (total int, err error) {
	for i := range in.Len() {
		total += in.At(i)
	}
	return total, nil
}

func limitRun(g *limit.Graph, in limit.Value[int], value int, out limit.Value[int], want int) func() error {
	plan, got := g.Compile(), 0
	before := func(r *limit.Run) { limit.Set(r, in, value) }
	after := func(r *limit.Run) { got = limit.Get(r, out) }
	return func() error {
		if err := plan.Do(context.Background(), before, after); err != nil {
			return err
		}
		return wrong(got, want)
	}
}
