package engine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/engine"
)

func ExamplePipeline_Explain() {
	fetch := engine.Node("fetch", func(_ context.Context, url string) (string, error) { return "page of " + url, nil })
	count := engine.Node("count", func(_ context.Context, page string) (int, error) { return len(page), nil })
	page := engine.Define("page", func(g *engine.Graph, url engine.Value[string]) engine.Value[int] {
		return engine.Add(g, count, engine.Add(g, fetch, url, engine.WithRetry(engine.Retry{Attempts: 3})))
	}, engine.WithTimeout(5*time.Second))
	p := engine.Define("pages", func(g *engine.Graph, urls engine.Value[[]string]) engine.Value[[]int] {
		return engine.Map(g, page, urls, engine.WithConcurrency(4))
	})

	fmt.Println(p.Explain())
	// Output:
	// runner local, concurrency 64, callbacks none, cache none, runs none
	// pages  pipeline  []string → []int
	//   page  map of pipeline  []string → []int  ← input  [timeout 5s, concurrency 4]
	//     fetch  node  string → string  ← input  [timeout 5s (from page), retry 3 attempts]
	//     count  node  string → int  ← fetch  [timeout 5s (from page)]
}
