package engine_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/engine"
)

func ExampleWithConcurrency() {
	connections := make(chan struct{}, 3)
	call := engine.Node("call", func(_ context.Context, n int) (int, error) {
		select {
		case connections <- struct{}{}:
			defer func() { <-connections }()
		default:
			return 0, errors.New("more than 3 connections")
		}
		time.Sleep(time.Millisecond)
		return 2 * n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, call, list, engine.WithConcurrency(3))
	})

	fmt.Println(p.Run(context.Background(), []int{1, 2, 3, 4, 5, 6, 7, 8}))
	// Output: [2 4 6 8 10 12 14 16] <nil>
}
