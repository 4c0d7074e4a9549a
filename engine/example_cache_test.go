package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// lookups prints what became of each look-up.
var lookups = callbacks.Funcs{
	NodeStart: func(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
		if ev.Cache != nil {
			fmt.Printf("%s runs: %s\n", cc.Path(), ev.Cache.Reason)
		}
	},
	NodeCached: func(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
		fmt.Printf("%s does not run: %s\n", cc.Path(), ev.Reason)
	},
}

func ExampleWithCache() {
	pipeline := func(version string) *engine.Pipeline[int, int] {
		square := engine.Node("square", func(_ context.Context, n int) (int, error) { return n * n, nil },
			engine.WithCache(version))
		return engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, square, n)
		})
	}
	store, err := memory.New(memory.Config{MaxBytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{lookups}}
	ctx := context.Background()

	fmt.Println(pipeline("v1").Run(ctx, 5, cfg))
	fmt.Println(pipeline("v1").Run(ctx, 5, cfg))
	fmt.Println(pipeline("v1").Run(ctx, 6, cfg))
	fmt.Println(pipeline("v2").Run(ctx, 6, cfg))
	// Output:
	// p/square runs: there is no result of this step yet
	// 25 <nil>
	// p/square does not run: cache
	// 25 <nil>
	// p/square runs: input 1 is new
	// 36 <nil>
	// p/square runs: the version is "v2", it was "v1"
	// 36 <nil>
}

func ExampleWithCache_bypass() {
	type point struct{ x, y int } // JSON leaves out unexported fields
	norm := engine.Node("norm", func(_ context.Context, p point) (int, error) { return p.x + p.y, nil },
		engine.WithCache("v1"))
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[point]) engine.Value[int] {
		return engine.Add(g, norm, in)
	})
	store, err := memory.New(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}

	fmt.Println(p.Run(context.Background(), point{3, 4},
		engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{lookups}}))
	// Output:
	// p/norm runs: input 1 cannot be part of a key: engine_test.point has the unexported field x, which JSON leaves out
	// 7 <nil>
}
