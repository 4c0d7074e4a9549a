package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExamplePipeline_Stream() {
	write := engine.Node("write", func(ctx context.Context, words []string) (int, error) {
		for _, w := range words {
			engine.Emit(ctx, w)
		}
		return len(words), nil
	})
	p := engine.Define("story", func(g *engine.Graph, words engine.Value[[]string]) engine.Value[int] {
		return engine.Add(g, write, words)
	})

	for ev := range p.Stream(context.Background(), []string{"once", "upon"}) {
		switch {
		case ev.Done:
			fmt.Println("result:", ev.Result, ev.Err)
		case ev.Hook == callbacks.HookEmit:
			fmt.Println("chunk:", ev.Chunk)
		default:
			fmt.Println(ev.Hook, ev.Context.Path())
		}
	}
	// Output:
	// OnPipelineStart story
	// OnNodeStart story/write
	// chunk: once
	// chunk: upon
	// OnNodeEnd story/write
	// OnPipelineEnd story
	// result: 2 <nil>
}
