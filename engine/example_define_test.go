package engine_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/engine"
)

func ExampleDefine() {
	split := engine.Node("split", func(_ context.Context, text string) ([]string, error) {
		return strings.Fields(text), nil
	})
	count := engine.Node("count", func(_ context.Context, words []string) (int, error) {
		return len(words), nil
	})
	words := engine.Define("words", func(g *engine.Graph, text engine.Value[string]) engine.Value[int] {
		list := engine.Add(g, split, text)
		return engine.Add(g, count, list)
	})

	n, err := words.Run(context.Background(), "to be or not to be")
	fmt.Println(n, err)
	// Output: 6 <nil>
}

func ExamplePipeline_Err() {
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	p := engine.Define("twice", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, double, engine.Add(g, double, n))
	})

	fmt.Println(p.Err())
	// Output:
	// example_define_test.go:31: pipeline "twice": node "double": the name is used twice in this pipeline; give this one another with engine.WithName("double2")
}
