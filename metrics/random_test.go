package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/engine"
)

// drawPipeline returns a random pipeline, with others inside up to a depth.
func drawPipeline(t *rapid.T, name string, depth int) *engine.Pipeline[int, int] {
	steps := rapid.IntRange(1, 5).Draw(t, "steps")
	var list []func(*engine.Graph, engine.Value[int]) engine.Value[int]
	for i := range steps {
		list = append(list, drawStep(t, fmt.Sprintf("n%d", i), depth))
	}
	return engine.Define(name, func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for _, add := range list {
			v = add(g, v)
		}
		return v
	})
}

// drawStep returns what adds a random step to a pipeline.
func drawStep(t *rapid.T, name string, depth int) func(*engine.Graph, engine.Value[int]) engine.Value[int] {
	var opts []engine.Option
	if rapid.Bool().Draw(t, "cached") {
		opts = append(opts, engine.WithCache("v1"))
	}
	if rapid.Bool().Draw(t, "retried") {
		opts = append(opts, engine.WithRetry(engine.Retry{Attempts: 2}))
	}
	end := rapid.SampledFrom([]string{"ok", "ok", "ok", "ok", "odd", "panic"}).Draw(t, "end")
	node := engine.Node(name, func(_ context.Context, n int) (int, error) {
		switch {
		case end == "odd" && n%2 != 0:
			return 0, errors.New("odd")
		case end == "panic" && n%3 == 0:
			panic("divided by three")
		}
		return n + 1, nil
	}, opts...)
	kind := rapid.SampledFrom([]string{"node", "node", "map", "tolerant", "pipeline", "mapped"}).Draw(t, "kind")
	inner := node
	if depth > 0 && (kind == "pipeline" || kind == "mapped") {
		inner = drawPipeline(t, name, depth-1)
	}
	return func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		switch kind {
		case "node", "pipeline":
			return engine.Add(g, inner, v)
		case "tolerant":
			opts := []engine.Option{engine.ContinueOnError()}
			return engine.Add(g, sum(name), engine.Map(g, inner, engine.Add(g, spread(name), v), opts...))
		default:
			return engine.Add(g, sum(name), engine.Map(g, inner, engine.Add(g, spread(name), v)))
		}
	}
}

func spread(name string) engine.Step[int, []int] {
	return engine.Node("spread "+name, func(_ context.Context, n int) ([]int, error) {
		list := make([]int, max(n%5, -(n%5)))
		for i := range list {
			list[i] = n + i
		}
		return list, nil
	})
}

func sum(name string) engine.Step[[]int, int] {
	return engine.Node("sum "+name, func(_ context.Context, list []int) (n int, err error) {
		for _, i := range list {
			n += i
		}
		return n, nil
	})
}

// shelf is a cache that keeps what it is given.
type shelf struct {
	mu sync.Mutex
	m  map[string]cache.Entry
}

func (s *shelf) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.m[key]
	return e, ok, nil
}

func (s *shelf) Put(_ context.Context, key string, e cache.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]cache.Entry{}
	}
	s.m[key] = e
	return nil
}
