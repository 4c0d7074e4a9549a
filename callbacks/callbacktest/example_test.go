package callbacktest_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

func ExampleRecorder() {
	half := engine.Node("half", func(_ context.Context, n int) (int, error) { return n / 2, nil })
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, half, n)
	})

	rec := &callbacktest.Recorder{}
	_, err := p.Run(context.Background(), 8, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}})
	for _, e := range rec.Events() {
		fmt.Println(e.Hook, e.Context.Path())
	}
	fmt.Println(callbacktest.Check(rec.Events()), err)
	// Output:
	// OnPipelineStart p
	// OnNodeStart p/half
	// OnNodeEnd p/half
	// OnPipelineEnd p
	// <nil> <nil>
}
