package engine_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/engine"
)

func ExampleBranch() {
	short := engine.Node("short", func(_ context.Context, text string) (string, error) { return text, nil })
	cut := engine.Node("cut", func(_ context.Context, text string) (string, error) { return text[:5] + "…", nil })
	fit := engine.Branch("fit", func(_ context.Context, text string) (engine.Step[string, string], error) {
		if len(text) <= 5 {
			return short, nil
		}
		return cut, nil
	}, short, cut)

	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]string]) engine.Value[[]string] {
		return engine.Map(g, fit, list)
	})
	out, err := p.Run(context.Background(), []string{"apple", "pineapple"})
	fmt.Println(strings.Join(out, " "), err)
	// Output: apple pinea… <nil>
}
