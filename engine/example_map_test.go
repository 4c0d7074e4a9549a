package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/engine"
)

func ExampleMap() {
	upper := engine.Node("upper", func(_ context.Context, word string) (string, error) {
		return strings.ToUpper(word), nil
	})
	p := engine.Define("p", func(g *engine.Graph, words engine.Value[[]string]) engine.Value[[]string] {
		return engine.Map(g, upper, words)
	})

	fmt.Println(p.Run(context.Background(), []string{"a", "b", "c"}))
	// Output: [A B C] <nil>
}

func ExampleMap2() {
	prefix := engine.Node2("prefix", func(_ context.Context, name, dir string) (string, error) {
		return dir + "/" + name, nil
	})
	dir := engine.Node0("dir", func(context.Context) (string, error) { return "etc", nil })
	p := engine.Define("p", func(g *engine.Graph, names engine.Value[[]string]) engine.Value[[]string] {
		return engine.Map2(g, prefix, names, engine.Add0(g, dir))
	})

	fmt.Println(p.Run(context.Background(), []string{"hosts", "passwd"}))
	// Output: [etc/hosts etc/passwd] <nil>
}

func ExampleContinueOnError() {
	invert := engine.Node("invert", func(_ context.Context, n int) (int, error) {
		if n == 0 {
			return 0, errors.New("division by zero")
		}
		return 100 / n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, invert, list, engine.ContinueOnError())
	})

	out, err := p.Run(context.Background(), []int{1, 0, 4, 0})
	fmt.Println(out)
	fmt.Println(err)
	if items, ok := errors.AsType[*engine.ItemsError](err); ok {
		fmt.Println(items.Failed, "of", items.Size, "failed, first item", items.Errors[0].Item)
	}
	// Output:
	// [100 0 25 0]
	// p/invert: 2 of 4 items failed
	// 	p/invert[1]: division by zero
	// 	p/invert[3]: division by zero
	// 2 of 4 failed, first item 1
}
