package bench

import (
	"context"
	"sync"
)

const goroutineName = "goroutine"

// goroutines is a goroutine for each node and channels between them, as a
// program without a library does it.
func goroutines() contender {
	return contender{
		name:   goroutineName,
		chain:  goroutineChain,
		fan:    goroutineFan,
		sleepy: goroutineFan,
		items:  goroutineItems,
		nested: goroutineNested,
		layers: goroutineLayers,
	}
}

// starter starts goroutines and waits for them: a [sync.WaitGroup], or what
// the library has in its place.
type starter interface {
	Go(f func())
	Wait()
}

// goroutineChain has a channel from each node to the next.
func goroutineChain(n int) (step, error) {
	nodes := repeat(increment, n)
	return func(ctx context.Context, v int) (int, error) { return pipe(ctx, new(sync.WaitGroup), v, nodes) }, nil
}

func repeat(do step, n int) []step {
	list := make([]step, n)
	for i := range list {
		list[i] = do
	}
	return list
}

// message is what a node sends.
type message struct {
	v   int
	err error
}

// pipe runs nodes one after the other, each on a goroutine.
func pipe(ctx context.Context, g starter, v int, nodes []step) (int, error) {
	first := make(chan message, 1)
	last := first
	for _, node := range nodes {
		in, out := last, make(chan message, 1)
		g.Go(func() {
			m := <-in
			if m.err == nil {
				m.v, m.err = node(ctx, m.v)
			}
			out <- m
		})
		last = out
	}
	first <- message{v: v}
	g.Wait()
	m := <-last
	return m.v, m.err
}

func goroutineFan(n int, leaf step) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		root, err := increment(ctx, v)
		if err != nil {
			return 0, err
		}
		fan, errs := make([]int, n), make(chan error, 1)
		var g sync.WaitGroup
		for i := range fan {
			g.Go(func() {
				var err error
				if fan[i], err = leaf(ctx, root); err != nil {
					fail(errs, err)
				}
			})
		}
		g.Wait()
		if err := failure(errs); err != nil {
			return 0, err
		}
		return sum(ctx, fan)
	}, nil
}

// fail keeps the first error.
func fail(errs chan<- error, err error) {
	select {
	case errs <- err:
	default:
	}
}

func failure(errs <-chan error) error {
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func goroutineItems(int) (mapper, error) {
	return func(ctx context.Context, items []int) ([]int, error) {
		out, errs := make([]int, len(items)), make(chan error, 1)
		var g sync.WaitGroup
		for i, item := range items {
			g.Go(func() {
				var err error
				if out[i], err = triple(ctx, item); err != nil {
					fail(errs, err)
				}
			})
		}
		g.Wait()
		return out, failure(errs)
	}, nil
}

func goroutineNested(pipelines, leaves int) (step, error) {
	return pipes(pipelines, leaves, func() starter { return new(sync.WaitGroup) }), nil
}

// pipes nests pipelines, each of which is a pipe.
func pipes(pipelines, leaves int, newGroup func() starter) step {
	var inner step
	for range pipelines {
		before, after := around(leaves, inner == nil)
		nodes := repeat(increment, before)
		if inner != nil {
			nodes = append(nodes, inner)
		}
		nodes = append(nodes, repeat(increment, after)...)
		inner = func(ctx context.Context, v int) (int, error) { return pipe(ctx, newGroup(), v, nodes) }
	}
	return inner
}

// goroutineLayers has a channel for each node, which is closed when its value
// is there.
func goroutineLayers(layers, width int) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		values, errs := make([]int, layers*width), make(chan error, 1)
		done := make([]chan struct{}, len(values))
		for i := range done {
			done[i] = make(chan struct{})
		}
		var g sync.WaitGroup
		for i := range values {
			g.Go(func() {
				defer close(done[i])
				start := (i/width - 1) * width // of the layer before
				var err error
				if start < 0 {
					values[i], err = pass(ctx, v)
				} else {
					for _, d := range done[start : start+width] {
						<-d
					}
					values[i], err = layerSum(ctx, values[start:start+width])
				}
				if err != nil {
					fail(errs, err)
				}
			})
		}
		g.Wait()
		if err := failure(errs); err != nil {
			return 0, err
		}
		return sum(ctx, values[len(values)-width:])
	}, nil
}
