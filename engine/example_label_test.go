package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleWithLabel() {
	type file struct{ Name string }
	size := engine.Node("size", func(_ context.Context, f file) (int, error) { return len(f.Name), nil })
	p := engine.Define("p", func(g *engine.Graph, files engine.Value[[]file]) engine.Value[[]int] {
		return engine.Map(g, size, files, engine.WithLabel(func(f file) string { return f.Name }))
	})
	items := callbacks.Funcs{MapItemEnd: func(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
		fmt.Println(cc.Path(), ev.Label)
	}}

	cfg := engine.Config{Runner: engine.Sequential(), Callbacks: []callbacks.PipelineCallback{items}}
	fmt.Println(p.Run(context.Background(), []file{{"hosts"}, {"passwd"}}, cfg))
	// Output:
	// p/size[0] hosts
	// p/size[1] passwd
	// [5 6] <nil>
}

func ExampleWithVersion() {
	half := engine.Node("half", func(_ context.Context, n int) (int, error) { return n / 2, nil })
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, half, n)
	}, engine.WithVersion("1.4"))
	start := callbacks.Funcs{PipelineStart: func(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
		fmt.Println(cc.Path(), cc.Node().Version)
	}}

	fmt.Println(p.Run(context.Background(), 8, engine.Config{Callbacks: []callbacks.PipelineCallback{start}}))
	// Output:
	// p 1.4
	// 4 <nil>
}
