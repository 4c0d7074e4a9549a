package logs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func add(_ context.Context, n int) (int, error) { return n + 1, nil }

// daily has a nested pipeline with another runner, a retry, a map with a cached
// item and a skipped step, and succeeds. Its order is the same each time.
func daily() *engine.Pipeline[int, int] {
	flaky := engine.Node("flaky", func(ctx context.Context, n int) (int, error) {
		if callbacks.FromContext(ctx).Attempt() == 1 {
			return 0, errors.New("busy\nline two \u202E")
		}
		return n, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3}))
	one, other := engine.Node("one", add), engine.Node("other", add)
	choice := engine.Branch("choice", func(context.Context, int) (engine.Step[int, int], error) { return one, nil }, one, other)
	features := engine.Define("features", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, choice, n)
	})
	list := engine.Node("list", func(_ context.Context, n int) ([]int, error) { return []int{n, n + 1, n}, nil })
	sum := engine.Node("sum", func(_ context.Context, list []int) (int, error) { return len(list), nil })
	return engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		n = engine.Add(g, flaky, n)
		n = engine.Add(g, features, n, engine.WithRunner(engine.Local()))
		items := engine.Map(g, engine.Node("embed", add), engine.Add(g, list, n), engine.WithCache("v1"))
		return engine.Add(g, sum, items)
	})
}

// failing has a map that goes on when items fail, with an error and a panic, and
// a node that fails for good after a retry.
func failing() *engine.Pipeline[[]int, int] {
	item := engine.Node("item", func(_ context.Context, n int) (int, error) {
		switch n {
		case 1:
			return 0, errors.New("boom")
		case 2:
			panic("oops")
		}
		return n, nil
	})
	last := engine.Node("last", func(context.Context, []int) (int, error) { return 0, fmt.Errorf("no: %w", errGone) },
		engine.WithRetry(engine.Retry{Attempts: 2}))
	return engine.Define("failing", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[int] {
		return engine.Add(g, last, engine.Map(g, item, list, engine.ContinueOnError()))
	})
}

var errGone = errors.New("gone")

// slow has a node that takes longer than it may.
func slow() *engine.Pipeline[int, int] {
	wait := engine.Node("wait", func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}, engine.WithTimeout(time.Millisecond))
	return engine.Define("slow", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, wait, n) })
}
