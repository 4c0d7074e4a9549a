package engine_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/engine"
)

func ExampleWithTimeout() {
	slow := engine.Node("slow", func(ctx context.Context, n int) (int, error) {
		select {
		case <-time.After(time.Hour):
			return n, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}, engine.WithTimeout(time.Millisecond))
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, slow, n)
	})

	_, err := p.Run(context.Background(), 1)
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// p/slow: timeout after 1ms
	// true
}

func ExampleAbandoned() {
	release, returned := make(chan struct{}), make(chan struct{})
	deaf := engine.Node("deaf", func(context.Context, int) (int, error) { // ignores its context
		defer close(returned)
		<-release
		return 0, nil
	}, engine.WithTimeout(time.Millisecond))
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, deaf, n)
	})

	_, err := p.Run(context.Background(), 1)
	fmt.Println(err)
	fmt.Println(engine.Abandoned(), "still runs")
	close(release)
	<-returned
	// Output:
	// p/deaf: timeout after 1ms
	// 1 still runs
}
