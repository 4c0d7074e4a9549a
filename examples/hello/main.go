package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
)

func upper(_ context.Context, word string) (string, error)   { return strings.ToUpper(word), nil }
func join(_ context.Context, words []string) (string, error) { return strings.Join(words, " "), nil }

var Shout = engine.Define("shout", func(g *engine.Graph, words engine.Value[[]string]) engine.Value[string] {
	return engine.Add(g, engine.Node("join", join), engine.Map(g, engine.Node("upper", upper), words))
})

func main() {
	ctx := context.Background()
	tel, err := spanloom.Open(ctx)
	if err != nil {
		fmt.Println(err) // the manifest has mistakes
		return
	}
	text, err := Shout.Run(ctx, []string{"hello", "world"}, engine.Config{Callbacks: tel.Callbacks()})
	_ = tel.Shutdown(ctx)
	fmt.Println(text, err)
}
