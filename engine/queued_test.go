package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// TestQueued: of two nodes that become ready at the same time, one waits for the
// only worker while the other runs.
func TestQueued(t *testing.T) {
	t.Parallel()
	const busy = 5 * time.Millisecond
	slow := func(name string) engine.Step[int, int] {
		return engine.Node(name, func(context.Context, int) (int, error) { time.Sleep(busy); return 0, nil })
	}
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		a, b := engine.Add(g, slow("a"), n), engine.Add(g, slow("b"), n)
		return engine.Add2(g, engine.Node2("sum", func(_ context.Context, a, b int) (int, error) { return a + b, nil }), a, b)
	})
	var mu sync.Mutex
	waited := map[bool]int{}
	cb := callbacks.Funcs{NodeStart: func(cc *callbacks.CallbackContext, _ callbacks.NodeStart) {
		mu.Lock()
		defer mu.Unlock()
		waited[cc.Queued() >= busy-time.Millisecond]++
		if cc.Queued() < 0 || cc.Queued() > time.Minute {
			t.Errorf("%s queued for %s", cc, cc.Queued())
		}
	}}
	if _, err := p.Run(t.Context(), 1, engine.Config{Concurrency: 1, Callbacks: []callbacks.PipelineCallback{cb}}); err != nil {
		t.Fatal(err)
	}
	if waited[true] != 1 || waited[false] != 2 {
		t.Errorf("%d nodes queued and %d did not, want 1 and 2", waited[true], waited[false])
	}
}
