package callbacks_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleFuncs() {
	ends := callbacks.Funcs{
		NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
			fmt.Println(cc.Path(), ev.Result)
		},
	}
	p := pipeline("p", half)

	fmt.Println(p.Run(context.Background(), 8, engine.Config{Callbacks: []callbacks.PipelineCallback{ends}}))
	// Output:
	// p/half success
	// 4 <nil>
}

func ExampleValues() {
	values := callbacks.Funcs{
		NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
			fmt.Println(ev.Outputs.Shared(0).([]string)[0]) // look, do not keep
			fmt.Println(ev.Outputs.JSON(0, 16))             // at most 16 bytes
			mine, err := ev.Outputs.Copy(0)                 // to keep, or to change
			fmt.Println(mine, err)
		},
	}
	words := engine.Node0("words", func(context.Context) ([]string, error) {
		return []string{"once", "upon", "a", "time"}, nil
	})
	p := engine.Define("p", func(g *engine.Graph, _ engine.Value[int]) engine.Value[[]string] {
		return engine.Add0(g, words)
	})

	_, _ = p.Run(context.Background(), 0, engine.Config{Callbacks: []callbacks.PipelineCallback{values}})
	// Output:
	// once
	// ["once","upon...
	// [once upon a time] <nil>
}

func ExampleCallbackContext() {
	whereAmI := engine.Node("where", func(ctx context.Context, n int) (int, error) {
		cc := callbacks.FromContext(ctx)
		fmt.Println(cc.Path(), cc.Kind(), "depth", cc.Depth(), "item", cc.Index())
		fmt.Println("in pipeline", cc.Pipeline().Name(), "of run", cc.RunID())
		return n, nil
	})
	inner := engine.Define("inner", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, whereAmI, list)
	})
	p := engine.Define("outer", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Add(g, inner, list)
	})

	_, _ = p.Run(context.Background(), []int{7}, engine.Config{RunID: "r1"})
	// Output:
	// outer/inner/where[0] map_item depth 1 item 0
	// in pipeline inner of run r1
}

func ExamplePin() {
	tells := func(who string) callbacks.PipelineCallback {
		return callbacks.Funcs{NodeEnd: func(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) {
			fmt.Println(who, "hears of", cc.Path())
		}}
	}
	quiet := pipeline("p", half, engine.WithCallbacks()) // as if nobody should hear

	_, _ = quiet.Run(context.Background(), 8, engine.Config{
		Callbacks: []callbacks.PipelineCallback{tells("the program"), callbacks.Pin(tells("operations"))},
	})
	// Output: operations hears of p/half
}

func Example_panic() {
	wrong := callbacks.Funcs{NodeStart: func(*callbacks.CallbackContext, callbacks.NodeStart) { panic("oops") }}
	right := callbacks.Funcs{NodeStart: func(cc *callbacks.CallbackContext, _ callbacks.NodeStart) { fmt.Println("heard", cc.Path()) }}

	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "stack" { // they differ from run to run
				return slog.Attr{}
			}
			return a
		},
	})))
	fmt.Println(pipeline("p", half).Run(context.Background(), 8, engine.Config{Callbacks: []callbacks.PipelineCallback{wrong, right}}))
	// Output:
	// level=ERROR msg="callback panicked; the run goes on" callback=callbacks.Funcs panic=oops hook=OnNodeStart path=p/half
	// heard p/half
	// 4 <nil>
}
