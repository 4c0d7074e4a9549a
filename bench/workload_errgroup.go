package bench

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// errgroups is golang.org/x/sync/errgroup: a goroutine for each node, which
// waits for the nodes that it reads, and the first error cancels the others.
func errgroups() contender {
	return contender{
		name:   "errgroup",
		chain:  func(n int) (step, error) { return errgroupChain(n), nil },
		fan:    errgroupFan,
		sleepy: errgroupFan,
		items:  errgroupItems,
		nested: errgroupNested,
		layers: errgroupLayers,
	}
}

func errgroupChain(n int) step { return errgroupPipe(repeat(increment, n)) }

// errgroupPipe runs nodes one after the other.
func errgroupPipe(nodes []step) step {
	return func(ctx context.Context, v int) (int, error) {
		values := make([]int, len(nodes)+1)
		values[0] = v
		err := errgroupGraph(ctx, len(nodes), func(i int) (from, to int) { return max(0, i-1), i },
			func(ctx context.Context, i int) (err error) {
				values[i+1], err = nodes[i](ctx, values[i])
				return err
			})
		return values[len(nodes)], err
	}
}

// errgroupGraph runs n nodes, each when those in its range have ended.
func errgroupGraph(ctx context.Context, n int, reads func(int) (from, to int), do func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	done := make([]chan struct{}, n)
	for i := range done {
		done[i] = make(chan struct{})
	}
	for i := range n {
		g.Go(func() error {
			from, to := reads(i)
			for _, d := range done[from:to] {
				select {
				case <-d:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if err := do(ctx, i); err != nil {
				return err
			}
			close(done[i])
			return nil
		})
	}
	return g.Wait()
}

func errgroupFan(n int, leaf step) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		root, err := increment(ctx, v)
		if err != nil {
			return 0, err
		}
		fan := make([]int, n)
		g, leafCtx := errgroup.WithContext(ctx)
		for i := range fan {
			g.Go(func() (err error) {
				fan[i], err = leaf(leafCtx, root)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return 0, err
		}
		return sum(ctx, fan)
	}, nil
}

// errgroupItems limits the group, as its documentation says for many tasks.
func errgroupItems(int) (mapper, error) {
	return func(ctx context.Context, items []int) ([]int, error) {
		out := make([]int, len(items))
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(runtime.GOMAXPROCS(0))
		for i, item := range items {
			g.Go(func() (err error) {
				out[i], err = triple(ctx, item)
				return err
			})
		}
		return out, g.Wait()
	}, nil
}

func errgroupNested(pipelines, leaves int) (step, error) {
	var inner step
	for range pipelines {
		before, after := around(leaves, inner == nil)
		nodes := repeat(increment, before)
		if inner != nil {
			nodes = append(nodes, inner)
		}
		inner = errgroupPipe(append(nodes, repeat(increment, after)...))
	}
	return inner, nil
}

func errgroupLayers(layers, width int) (step, error) {
	before := func(i int) (from, to int) {
		end := i / width * width
		return max(0, end-width), end
	}
	return func(ctx context.Context, v int) (int, error) {
		values := make([]int, layers*width)
		err := errgroupGraph(ctx, len(values), before, func(ctx context.Context, i int) (err error) {
			from, to := before(i)
			if from == to {
				values[i], err = pass(ctx, v)
			} else {
				values[i], err = layerSum(ctx, values[from:to])
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		return sum(ctx, values[len(values)-width:])
	}, nil
}
