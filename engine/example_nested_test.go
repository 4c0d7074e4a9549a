package engine_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

func ExamplePipeline() {
	check := engine.Node("check", func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errors.New("negative")
		}
		return n, nil
	})
	clean := engine.Define("clean", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, check, n)
	})
	daily := engine.Define("daily", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, clean, list) // a pipeline is a step
	})

	fmt.Println(daily.Run(context.Background(), []int{1, 2}))
	_, err := daily.Run(context.Background(), []int{1, -2})
	fmt.Println(err)
	// Output:
	// [1 2] <nil>
	// daily/clean[1]/check: negative
}
