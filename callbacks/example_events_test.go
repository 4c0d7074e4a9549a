package callbacks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// The steps that the examples of this file are made of.
var (
	half   = engine.Node("half", func(_ context.Context, n int) (int, error) { return n / 2, nil })
	triple = engine.Node("triple", func(_ context.Context, n int) (int, error) { return 3*n + 1, nil })
	broken = engine.Node("broken", func(context.Context, int) (int, error) { return 0, errors.New("boom") })
)

// pipeline returns a pipeline of one step.
func pipeline(name string, step engine.Step[int, int], opts ...engine.Option) *engine.Pipeline[int, int] {
	return engine.Define(name, func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, step, n, opts...)
	})
}

// tell runs a pipeline and prints what the hooks heard: the hook, the path of
// its context and, of an end, the result. The steps run one after another, so
// that the order is the same each time.
func tell[I, O any](p *engine.Pipeline[I, O], in I, cfg ...engine.Config) {
	var c engine.Config
	if len(cfg) > 0 {
		c = cfg[0]
	}
	rec := &callbacktest.Recorder{}
	c.Callbacks, c.Runner = append(c.Callbacks, rec), engine.Sequential()
	_, _ = p.Run(context.Background(), in, c)
	for _, e := range rec.Events() {
		line := fmt.Sprintln(strings.TrimPrefix(e.Hook.String(), "On"), e.Context.Path(), detail(e.Event))
		fmt.Println(strings.TrimSpace(line))
	}
}

// detail returns what of an event is worth telling.
func detail(event any) string {
	switch ev := event.(type) {
	case callbacks.PipelineEnd:
		return ev.Result.String()
	case callbacks.NodeEnd:
		return ev.Result.String()
	case callbacks.NestedPipelineEnd:
		return ev.Result.String()
	case callbacks.MapEnd:
		return fmt.Sprintf("%s (%d succeeded, %d failed, %d cached, %d skipped)", ev.Result, ev.Succeeded, ev.Failed, ev.Cached, ev.Skipped)
	case callbacks.MapItemEnd:
		return ev.Result.String()
	case callbacks.Failure:
		return ev.Err.Error()
	case callbacks.NodeRetry:
		return fmt.Sprintf("after attempt %d: %v", ev.Attempt, ev.Err)
	case callbacks.NodeSkipped:
		return ev.Reason
	case callbacks.NodeCached:
		return ev.Reason
	case callbacks.Metric:
		return fmt.Sprintf("%s=%v", ev.Name, ev.Value)
	default:
		return ""
	}
}

func Example_node() {
	tell(pipeline("p", half), 8)
	// Output:
	// PipelineStart p
	// NodeStart p/half
	// NodeEnd p/half success
	// PipelineEnd p success
}

func Example_failure() {
	tell(pipeline("p", broken, engine.WithRetry(engine.Retry{Attempts: 2})), 8)
	// Output:
	// PipelineStart p
	// NodeStart p/broken
	// NodeRetry p/broken after attempt 1: boom
	// Error p/broken boom
	// NodeEnd p/broken failure
	// PipelineEnd p failure
}

func Example_nestedPipeline() {
	tell(pipeline("p", pipeline("inner", half)), 8)
	// Output:
	// PipelineStart p
	// NestedPipelineStart p
	// PipelineStart p/inner
	// NodeStart p/inner/half
	// NodeEnd p/inner/half success
	// PipelineEnd p/inner success
	// NestedPipelineEnd p success
	// PipelineEnd p success
}

func Example_map() {
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, half, list)
	})
	tell(p, []int{8, 6})
	// Output:
	// PipelineStart p
	// MapStart p/half
	// MapItemStart p/half[0]
	// MapItemEnd p/half[0] success
	// MapItemStart p/half[1]
	// MapItemEnd p/half[1] success
	// MapEnd p/half success (2 succeeded, 0 failed, 0 cached, 0 skipped)
	// PipelineEnd p success
}

func Example_mapOfPipelines() {
	inner := pipeline("inner", half)
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, inner, list)
	})
	tell(p, []int{8})
	// Output:
	// PipelineStart p
	// MapStart p/inner
	// MapItemStart p/inner[0]
	// NestedPipelineStart p/inner[0]
	// PipelineStart p/inner[0]
	// NodeStart p/inner[0]/half
	// NodeEnd p/inner[0]/half success
	// PipelineEnd p/inner[0] success
	// NestedPipelineEnd p/inner[0] success
	// MapItemEnd p/inner[0] success
	// MapEnd p/inner success (1 succeeded, 0 failed, 0 cached, 0 skipped)
	// PipelineEnd p success
}

func Example_branchInALoop() {
	parity := engine.Branch("parity", func(_ context.Context, n int) (engine.Step[int, int], error) {
		if n%2 == 0 {
			return half, nil
		}
		return triple, nil
	}, half, triple)
	one := func(_ context.Context, n int) (bool, error) { return n == 1, nil }
	tell(pipeline("p", engine.Loop("collatz", parity, one, 100)), 4)
	// Output:
	// PipelineStart p
	// NodeStart p/collatz
	// NodeStart p/collatz#1/parity
	// NodeSkipped p/collatz#1/parity/triple the branch chose "half"
	// NodeStart p/collatz#1/parity/half
	// NodeEnd p/collatz#1/parity/half success
	// NodeEnd p/collatz#1/parity success
	// NodeStart p/collatz#2/parity
	// NodeSkipped p/collatz#2/parity/triple the branch chose "half"
	// NodeStart p/collatz#2/parity/half
	// NodeEnd p/collatz#2/parity/half success
	// NodeEnd p/collatz#2/parity success
	// NodeEnd p/collatz success
	// PipelineEnd p success
}

func Example_gate() {
	closed := engine.Gate("closed", func(context.Context, int) (engine.Decision, error) {
		return engine.StopPipeline, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		engine.Add(g, half, engine.Add(g, pipeline("inner", closed), n))
		return engine.Add(g, triple, n)
	})
	tell(p, 8)
	// Output:
	// PipelineStart p
	// NestedPipelineStart p
	// PipelineStart p/inner
	// NodeStart p/inner/closed
	// NodeEnd p/inner/closed skip
	// PipelineEnd p/inner skip
	// NestedPipelineEnd p skip
	// NodeSkipped p/half a gate stopped what it needs
	// NodeStart p/triple
	// NodeEnd p/triple success
	// PipelineEnd p success
}

func Example_cached() {
	store, err := memory.New(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := pipeline("p", half, engine.WithCache("v1"))
	_, _ = p.Run(context.Background(), 8, engine.Config{Cache: store})
	tell(p, 8, engine.Config{Cache: store})
	// Output:
	// PipelineStart p
	// NodeCached p/half cache
	// PipelineEnd p success
}

func Example_emit() {
	count := engine.Node("count", func(ctx context.Context, n int) (int, error) {
		for i := range n {
			engine.Emit(ctx, i)
		}
		return n, nil
	})
	tell(pipeline("p", count), 2)
	// Output:
	// PipelineStart p
	// NodeStart p/count
	// Emit p/count
	// Emit p/count
	// NodeEnd p/count success
	// PipelineEnd p success
}

func Example_metric() {
	count := engine.Node("count", func(ctx context.Context, n int) (int, error) {
		engine.Metric(ctx, "rows", float64(n))
		return n, nil
	})
	tell(pipeline("p", count), 2)
	// Output:
	// PipelineStart p
	// NodeStart p/count
	// Metric p/count rows=2
	// NodeEnd p/count success
	// PipelineEnd p success
}

func Example_failureOfAnItem() {
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, broken, list)
	})
	tell(p, []int{1, 2, 3})
	// Output:
	// PipelineStart p
	// MapStart p/broken
	// MapItemStart p/broken[0]
	// Error p/broken[0] boom
	// MapItemEnd p/broken[0] failure
	// MapEnd p/broken failure (0 succeeded, 1 failed, 0 cached, 2 skipped)
	// PipelineEnd p failure
}
