package bench

import "context"

// direct calls the nodes' functions, without a graph, a scheduler or a
// goroutine: what the nodes themselves cost.
func direct() contender {
	return contender{
		name:   "direct",
		chain:  directChain,
		fan:    directFan,
		items:  directItems,
		nested: directNested,
		layers: directLayers,
	}
}

func directChain(n int) (step, error) {
	nodes := make([]step, n)
	for i := range nodes {
		nodes[i] = increment
	}
	return func(ctx context.Context, v int) (_ int, err error) {
		for _, node := range nodes {
			if v, err = node(ctx, v); err != nil {
				return 0, err
			}
		}
		return v, nil
	}, nil
}

func directFan(n int, leaf step) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		root, err := increment(ctx, v)
		if err != nil {
			return 0, err
		}
		fan := make([]int, n)
		for i := range fan {
			if fan[i], err = leaf(ctx, root); err != nil {
				return 0, err
			}
		}
		return sum(ctx, fan)
	}, nil
}

func directItems(int) (mapper, error) {
	return func(ctx context.Context, items []int) (_ []int, err error) {
		out := make([]int, len(items))
		for i, item := range items {
			if out[i], err = triple(ctx, item); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}

func directNested(pipelines, leaves int) (step, error) {
	var inner step
	for range pipelines {
		inside := inner
		before, after := around(leaves, inside == nil)
		inner = func(ctx context.Context, v int) (_ int, err error) {
			for range before {
				if v, err = increment(ctx, v); err != nil {
					return 0, err
				}
			}
			if inside != nil {
				if v, err = inside(ctx, v); err != nil {
					return 0, err
				}
			}
			for range after {
				if v, err = increment(ctx, v); err != nil {
					return 0, err
				}
			}
			return v, nil
		}
	}
	return inner, nil
}

func directLayers(layers, width int) (step, error) {
	return func(ctx context.Context, v int) (_ int, err error) {
		layer, next := make([]int, width), make([]int, width)
		for i := range layer {
			if layer[i], err = pass(ctx, v); err != nil {
				return 0, err
			}
		}
		for range layers - 1 {
			for i := range next {
				if next[i], err = layerSum(ctx, layer); err != nil {
					return 0, err
				}
			}
			layer, next = next, layer
		}
		return sum(ctx, layer)
	}, nil
}
