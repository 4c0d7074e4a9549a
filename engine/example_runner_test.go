package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleWithRunner() {
	say := engine.Node("say", func(ctx context.Context, n int) (int, error) {
		cc := callbacks.FromContext(ctx)
		fmt.Println(cc.Path(), cc.Runner())
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, say, list, engine.WithRunner(engine.Sequential()))
	})

	fmt.Println(p.Run(context.Background(), []int{7, 8, 9}))
	// Output:
	// p/say[0] sequential
	// p/say[1] sequential
	// p/say[2] sequential
	// [7 8 9] <nil>
}
