package engine_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// TestHooksHaveRoom has nodes that wait for each other start hooks on goroutines that
// are new: what hooks put on their stacks must not move these.
func TestHooksHaveRoom(t *testing.T) {
	const width = 8
	var moved, began atomic.Int32
	hooks := callbacks.Funcs{NodeStart: func(*callbacks.CallbackContext, callbacks.NodeStart) {
		began.Add(1)
		if movesStack() {
			moved.Add(1)
		}
	}}
	all := make(chan struct{})
	var waiting atomic.Int32
	node := func(ctx context.Context, in int) (int, error) {
		if waiting.Add(1) == width {
			close(all)
		}
		select {
		case <-all:
		case <-ctx.Done():
		}
		return in, nil
	}
	p := engine.Define("wide", func(g *engine.Graph, in engine.Value[int]) engine.Value[[]int] {
		list := make([]engine.Value[int], width)
		for i := range list {
			list[i] = engine.Add(g, engine.Node(string(rune('a'+i)), node), in)
		}
		return engine.Collect(g, list...)
	})
	if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{hooks}}); err != nil {
		t.Fatal(err)
	}
	// The goroutine of the test, which runs a node too, may have less.
	if moved.Load() > 1 || began.Load() != width {
		t.Errorf("the stacks of %d of %d hooks were moved", moved.Load(), began.Load())
	}
}
