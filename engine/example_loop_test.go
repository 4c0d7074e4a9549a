package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

func ExampleLoop() {
	halve := engine.Node("halve", func(_ context.Context, n float64) (float64, error) { return n / 2, nil })
	small := func(_ context.Context, n float64) (bool, error) { return n < 1, nil }
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[float64]) engine.Value[float64] {
		return engine.Add(g, engine.Loop("shrink", halve, small, 5), n)
	})

	fmt.Println(p.Run(context.Background(), 10))
	_, err := p.Run(context.Background(), 1000)
	fmt.Println(err)
	// Output:
	// 0.625 <nil>
	// p/shrink: not done after 5 rounds, the bound of the loop; raise it, or mend the condition
}
