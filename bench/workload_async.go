package bench

import (
	"context"

	"github.com/reugn/async"
)

const asyncName = "async"

// asyncs is github.com/reugn/async: tasks that are called when their inputs are
// wired, and futures that are mapped, joined by FutureSeq, and, for a nested
// pipeline, flat-mapped. A map is a task for each item.
func asyncs() contender {
	return contender{
		name:   asyncName,
		chain:  asyncChain,
		fan:    asyncFan,
		items:  asyncItems,
		nested: asyncNested,
		layers: asyncLayers,
	}
}

// asyncCall starts a node.
func asyncCall(ctx context.Context, do step, v int) async.Future[int] {
	return async.NewTask(func() (int, error) { return do(ctx, v) }).Call()
}

// asyncMap starts a node that waits for another.
func asyncMap(ctx context.Context, do step, from async.Future[int]) async.Future[int] {
	return from.Map(func(v int) (int, error) { return do(ctx, v) })
}

func asyncChain(n int) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		last := asyncCall(ctx, increment, v)
		for range n - 1 {
			last = asyncMap(ctx, increment, last)
		}
		return last.Join()
	}, nil
}

func asyncFan(n int, leaf step) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		root := asyncCall(ctx, increment, v)
		fan := make([]async.Future[int], n)
		for i := range fan {
			fan[i] = asyncMap(ctx, leaf, root)
		}
		return asyncJoin(ctx, sum, async.FutureSeq(fan)).Join()
	}, nil
}

// asyncJoin starts a node that waits for many others.
func asyncJoin(ctx context.Context, do func(context.Context, []int) (int, error), from async.Future[[]any]) async.Future[int] {
	return async.NewTask(func() (int, error) {
		list, err := asyncList(from)
		if err != nil {
			return 0, err
		}
		return do(ctx, list)
	}).Call()
}

// asyncList waits for futures that were joined. Each gave a value or an error.
func asyncList(from async.Future[[]any]) ([]int, error) {
	list, err := from.Join()
	if err != nil {
		return nil, err
	}
	out := make([]int, len(list))
	for i, v := range list {
		switch v := v.(type) {
		case int:
			out[i] = v
		case error:
			return nil, v
		}
	}
	return out, nil
}

func asyncItems(int) (mapper, error) {
	return func(ctx context.Context, items []int) ([]int, error) {
		futures := make([]async.Future[int], len(items))
		for i, item := range items {
			futures[i] = asyncCall(ctx, triple, item)
		}
		return asyncList(async.FutureSeq(futures))
	}, nil
}

func asyncNested(pipelines, leaves int) (step, error) {
	start := func(_ context.Context, v int) async.Future[int] {
		p := async.NewPromise[int]()
		p.Success(v)
		return p.Future()
	}
	var inner func(context.Context, int) async.Future[int]
	for range pipelines {
		inside := inner
		before, after := around(leaves, inside == nil)
		inner = func(ctx context.Context, v int) async.Future[int] {
			last := start(ctx, v)
			for range before {
				last = asyncMap(ctx, increment, last)
			}
			if inside != nil {
				last = last.FlatMap(func(v int) (async.Future[int], error) { return inside(ctx, v), nil })
			}
			for range after {
				last = asyncMap(ctx, increment, last)
			}
			return last
		}
	}
	return func(ctx context.Context, v int) (int, error) { return inner(ctx, v).Join() }, nil
}

func asyncLayers(layers, width int) (step, error) {
	return func(ctx context.Context, v int) (int, error) {
		layer := make([]async.Future[int], width)
		for i := range layer {
			layer[i] = asyncCall(ctx, pass, v)
		}
		for range layers - 1 {
			all := async.FutureSeq(layer)
			next := make([]async.Future[int], width)
			for i := range next {
				next[i] = asyncJoin(ctx, layerSum, all)
			}
			layer = next
		}
		last, err := asyncList(async.FutureSeq(layer))
		if err != nil {
			return 0, err
		}
		return sum(ctx, last)
	}, nil
}
