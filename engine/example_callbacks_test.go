package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// hears returns a callback that prints the nodes that it hears of.
func hears(who string) callbacks.PipelineCallback {
	return callbacks.Funcs{NodeEnd: func(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) {
		fmt.Printf("%s hears of %s\n", who, cc.Path())
	}}
}

func ExampleWithCallbacks() {
	inc := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	part := func(name string, opts ...engine.Option) *engine.Pipeline[int, int] {
		return engine.Define(name, func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, inc, n)
		}, opts...)
	}
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		n = engine.Add(g, part("as before"), n)
		n = engine.Add(g, part("one more", engine.AddCallbacks(hears("guest"))), n)
		n = engine.Add(g, part("another", engine.WithCallbacks(hears("guest"))), n)
		return engine.Add(g, part("nobody", engine.WithCallbacks()), n)
	})

	fmt.Println(p.Run(context.Background(), 0,
		engine.Config{Callbacks: []callbacks.PipelineCallback{hears("host")}}))
	// Output:
	// host hears of p/as before/inc
	// host hears of p/one more/inc
	// guest hears of p/one more/inc
	// guest hears of p/another/inc
	// 4 <nil>
}

func ExampleAddCallbacks() {
	inc := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		n = engine.Add(g, inc, n)
		return engine.Add(g, inc, n, engine.WithName("watched"), engine.AddCallbacks(hears("guest")))
	})

	fmt.Println(p.Run(context.Background(), 0))
	// Output:
	// guest hears of p/watched
	// 2 <nil>
}
