package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

func ExampleAdd() {
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	square := engine.Node("square", func(_ context.Context, n int) (int, error) { return n * n, nil })
	seven := engine.Node0("seven", func(context.Context) (int, error) { return 7, nil })
	sum := engine.Node3("sum", func(_ context.Context, a, b, c int) (int, error) { return a + b + c, nil })

	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		a := engine.Add(g, double, n) // a, b and c need nothing of each other: they run in parallel
		b := engine.Add(g, square, n)
		c := engine.Add0(g, seven)
		return engine.Add3(g, sum, a, b, c)
	})

	fmt.Println(p.Run(context.Background(), 5))
	// Output: 42 <nil>
}

func ExampleWithName() {
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	p := engine.Define("twice", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		once := engine.Add(g, double, n)
		return engine.Add(g, double, once, engine.WithName("again"))
	})

	fmt.Println(p.Run(context.Background(), 5))
	// Output: 20 <nil>
}
