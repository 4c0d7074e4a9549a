package engine_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

func ExampleCollect() {
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	square := engine.Node("square", func(_ context.Context, n int) (int, error) { return n * n, nil })

	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[[]int] {
		return engine.Collect(g, n, engine.Add(g, double, n), engine.Add(g, square, n))
	})

	fmt.Println(p.Run(context.Background(), 5))
	// Output: [5 10 25] <nil>
}

func ExampleField() {
	type order struct {
		Item  string
		Count int
	}
	price := engine.Node2("price", func(_ context.Context, item string, count int) (int, error) {
		return len(item) * count, nil
	})

	p := engine.Define("p", func(g *engine.Graph, o engine.Value[order]) engine.Value[int] {
		item := engine.Field(g, o, func(o order) string { return o.Item })
		count := engine.Field(g, o, func(o order) int { return o.Count })
		return engine.Add2(g, price, item, count)
	})

	fmt.Println(p.Run(context.Background(), order{Item: "apple", Count: 3}))
	// Output: 15 <nil>
}

func ExamplePaired() {
	type priced = engine.Pair[int, string] // an amount and a currency
	format := engine.Node2("format", func(_ context.Context, amount int, currency string) (string, error) {
		return fmt.Sprintf("%d %s", amount, currency), nil
	})
	// A pipeline takes one input; this one takes two as a pair.
	show := engine.Define("show", func(g *engine.Graph, in engine.Value[priced]) engine.Value[string] {
		amount := engine.Field(g, in, func(p priced) int { return p.First })
		currency := engine.Field(g, in, func(p priced) string { return p.Second })
		return engine.Add2(g, format, amount, currency)
	})

	p := engine.Define("p", func(g *engine.Graph, amounts engine.Value[[]int]) engine.Value[[]string] {
		currency := engine.Add0(g, engine.Node0("currency", func(context.Context) (string, error) { return "EUR", nil }))
		return engine.Map2(g, engine.Paired(show), amounts, currency)
	})

	fmt.Println(p.Run(context.Background(), []int{3, 5}))
	// Output: [3 EUR 5 EUR] <nil>
}
