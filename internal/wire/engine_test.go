package wire_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/wire"
)

type (
	graph = engine.Graph
	num   = engine.Value[int]
)

// everything has a step of each sort, in each place where its path is special.
func everything() *engine.Pipeline[int, int] {
	half := engine.Node("half", func(_ context.Context, n int) (int, error) { return n / 2, nil }, engine.WithCache("1"))
	shaky := engine.Node("shaky", func(ctx context.Context, n int) (int, error) {
		if callbacks.FromContext(ctx).Attempt() == 1 {
			return 0, errors.New("busy")
		}
		return n, nil
	}, engine.WithRetry(engine.Retry{Attempts: 2}))
	two := engine.Define("two", func(g *graph, n num) num { return engine.Add(g, shaky, engine.Add(g, half, n)) },
		engine.WithRunner(engine.Sequential()))
	either := engine.Branch("either", func(_ context.Context, n int) (engine.Step[int, int], error) {
		if n%2 == 0 {
			return half, nil
		}
		return two, nil
	}, half, two)
	some := engine.Node("some", func(_ context.Context, n int) ([]int, error) { return []int{n, n, n + 1, 7}, nil })
	count := engine.Node("count", func(_ context.Context, l []int) (int, error) { return len(l), nil })
	gate := engine.Define("stopped", func(g *graph, n num) num {
		return engine.Add(g, engine.Gate("gate", func(context.Context, int) (engine.Decision, error) {
			return engine.StopPipeline, nil
		}), n)
	})
	picky := engine.Node("picky", func(_ context.Context, n int) (int, error) {
		if n == 7 {
			return 0, errors.New("seven")
		}
		return n, nil
	})
	body := engine.Define("body", func(g *graph, n num) num {
		items := engine.Add(g, some, n)
		engine.Map(g, picky, items, engine.ContinueOnError())
		engine.Map(g, two, items, engine.WithName("twos"))
		return engine.Add(g, count, engine.Map(g, either, items))
	})
	until := func(rounds int) func(context.Context, int) (bool, error) {
		var done atomic.Int32
		return func(context.Context, int) (bool, error) { return int(done.Add(1))%rounds == 0, nil }
	}
	return engine.Define("everything", func(g *graph, n num) num {
		n = engine.Add(g, engine.Loop("pipelines", body, until(2), 9), n)
		n = engine.Add(g, engine.Loop("nodes", half, until(3), 9), n)
		n = engine.Add(g, engine.Loop("branches", either, until(2), 9), n)
		engine.Add(g, half, engine.Add(g, gate, n), engine.WithName("unreached"))
		return engine.Add(g, half, n, engine.WithoutCache())
	})
}

// TestWhatAnEngineSays sends the hooks of a real run.
func TestWhatAnEngineSays(t *testing.T) {
	store, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := everything()
	for _, size := range []int{1, 7, 4096} {
		var said, heard callbacktest.Recorder
		_, err := p.Run(t.Context(), 5, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{&said}})
		if _, partial := errors.AsType[*engine.ItemsError](err); !partial {
			t.Fatal(err)
		}
		dec := wire.NewDecoder()
		for _, b := range encode(said.Events(), size) {
			if err := dec.Deliver(b, &heard); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(hooktest.Lines(said.Events()), hooktest.Lines(heard.Events())); diff != "" {
			t.Fatalf("batches of %d: (-said +heard)\n%s", size, diff)
		}
		if err := callbacktest.Check(heard.Events()); err != nil {
			t.Errorf("batches of %d: %v", size, err)
		}
		kinds := map[string]bool{}
		for _, e := range said.Events() {
			kinds[fmt.Sprintf("%s %t %s", e.Hook, e.Context.Iteration() > 0, e.Context.Runner())] = true
		}
		for _, want := range []string{
			"OnNodeStart true local", "OnPipelineStart true local", "OnNodeRetry false sequential",
			"OnNodeCached true local", "OnNodeSkipped false local", "OnPipelineEnd false sequential",
		} {
			if !kinds[want] {
				t.Errorf("the run has no %s", want)
			}
		}
	}
}
