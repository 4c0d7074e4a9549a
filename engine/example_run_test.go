package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spanloom/spanloom/engine"
)

func ExampleError() {
	parse := engine.Node("parse", func(_ context.Context, name string) (int, error) {
		if name == "" {
			return 0, fs.ErrNotExist
		}
		return len(name), nil
	})
	p := engine.Define("files", func(g *engine.Graph, names engine.Value[[]string]) engine.Value[[]int] {
		return engine.Map(g, parse, names)
	})

	_, err := p.Run(context.Background(), []string{"a", "b", ""})
	fmt.Println(err)
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	if e, ok := errors.AsType[*engine.Error](err); ok {
		fmt.Println(e.Path, e.Item, e.Attempt)
	}
	// Output:
	// files/parse[2]: file does not exist
	// true
	// files/parse[2] 2 1
}

func ExamplePanicError() {
	first := engine.Node("first", func(_ context.Context, words []string) (string, error) {
		return words[0], nil
	})
	p := engine.Define("p", func(g *engine.Graph, words engine.Value[[]string]) engine.Value[string] {
		return engine.Add(g, first, words)
	})

	_, err := p.Run(context.Background(), nil)
	if panicked, ok := errors.AsType[*engine.PanicError](err); ok {
		fmt.Println(panicked.Value)
		fmt.Println(strings.Contains(panicked.Stack(), "example_run_test.go"))
	}
	// Output:
	// runtime error: index out of range [0] with length 0
	// true
}

func ExamplePipeline_Run_cancellation() {
	ctx, cancel := context.WithCancel(context.Background())
	wait := engine.Node("wait", func(ctx context.Context, n int) (int, error) {
		cancel() // as if somebody had pressed Ctrl-C
		<-ctx.Done()
		return 0, ctx.Err()
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, wait, n)
	})

	_, err := p.Run(ctx, 1)
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// p: context canceled
	// true
}
