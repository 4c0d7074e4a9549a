package bench

import (
	"context"
	"runtime"

	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/iter"
	"github.com/sourcegraph/conc/pool"
)

// concs is github.com/sourcegraph/conc: its WaitGroup with channels for what
// depends on one another, a result pool for W2, its mapper for W3, and a pool
// for each layer of W5.
func concs() contender {
	return contender{
		name: "conc",
		chain: func(n int) (step, error) {
			nodes := repeat(increment, n)
			return func(ctx context.Context, v int) (int, error) { return pipe(ctx, conc.NewWaitGroup(), v, nodes) }, nil
		},
		fan:   concFan,
		items: concItems,
		nested: func(pipelines, leaves int) (step, error) {
			return pipes(pipelines, leaves, func() starter { return conc.NewWaitGroup() }), nil
		},
		layers: concLayers,
	}
}

func concFan(n int, leaf step) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		root, err := increment(ctx, v)
		if err != nil {
			return 0, err
		}
		p := pool.NewWithResults[int]().WithContext(ctx).WithMaxGoroutines(runtime.GOMAXPROCS(0))
		for range n {
			p.Go(func(ctx context.Context) (int, error) { return leaf(ctx, root) })
		}
		fan, err := p.Wait()
		if err != nil {
			return 0, err
		}
		return sum(ctx, fan)
	}, nil
}

func concItems(int) (mapper, error) {
	m := iter.Mapper[int, int]{MaxGoroutines: runtime.GOMAXPROCS(0)}
	return func(ctx context.Context, items []int) ([]int, error) {
		return m.MapErr(items, func(v *int) (int, error) { return triple(ctx, *v) })
	}, nil
}

func concLayers(layers, width int) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		layer := []int{v}
		for l := range layers {
			next := make([]int, width)
			p := pool.New().WithMaxGoroutines(runtime.GOMAXPROCS(0)).WithErrors()
			for i := range next {
				p.Go(func() (err error) {
					if l == 0 {
						next[i], err = pass(ctx, layer[0])
					} else {
						next[i], err = layerSum(ctx, layer)
					}
					return err
				})
			}
			if err := p.Wait(); err != nil {
				return 0, err
			}
			layer = next
		}
		return sum(ctx, layer)
	}, nil
}
