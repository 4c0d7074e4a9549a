package engine_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleEmit() {
	write := engine.Node("write", func(ctx context.Context, words []string) (string, error) {
		for _, w := range words {
			engine.Emit(ctx, w) // as soon as it is there
		}
		return strings.Join(words, " "), nil
	})
	p := engine.Define("p", func(g *engine.Graph, words engine.Value[[]string]) engine.Value[string] {
		return engine.Add(g, write, words)
	})
	chunks := callbacks.Funcs{Emit: func(cc *callbacks.CallbackContext, ev callbacks.Emit) {
		fmt.Println(cc.Path(), "emits", ev.Value.Shared(0))
	}}

	fmt.Println(p.Run(context.Background(), []string{"to", "be"},
		engine.Config{Callbacks: []callbacks.PipelineCallback{chunks}}))
	// Output:
	// p/write emits to
	// p/write emits be
	// to be <nil>
}
