package engine_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleOption() {
	// fails returns a step that fails and says, at the end, how often it ran.
	fails := func(name string, opts ...engine.Option) engine.Step[int, int] {
		return engine.Node(name, func(context.Context, int) (int, error) { return 0, errors.New("broken") }, opts...)
	}
	attempts := callbacks.Funcs{NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
		fmt.Println(cc.Path(), ev.Attempts)
	}}
	tries := func(n int) engine.Option { return engine.WithRetry(engine.Retry{Attempts: n}) }
	run := func(step engine.Step[int, int], opts ...engine.Option) {
		p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, step, n, opts...)
		}, tries(2))
		_, _ = p.Run(context.Background(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{attempts}})
	}

	run(fails("inherits"))                    // nothing said: the pipeline's word
	run(fails("its own", tries(3)))           // the step's own word is nearer
	run(fails("its use", tries(3)), tries(4)) // the place where it is used is nearest
	run(fails("never", tries(1)))             // said to be none: not tried again
	// Output:
	// p/inherits 2
	// p/its own 3
	// p/its use 4
	// p/never 1
}
