package engine_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/spanloom/spanloom/engine"
)

func ExampleGate() {
	paid := engine.Gate("paid", func(_ context.Context, amount int) (engine.Decision, error) {
		switch {
		case amount < 0:
			return engine.StopRun, nil
		case amount == 0:
			return engine.StopPipeline, nil
		default:
			return engine.Pass, nil
		}
	})
	ship := engine.Node("ship", func(_ context.Context, amount int) (string, error) {
		return fmt.Sprintf("parcel for %d", amount), nil
	})
	order := engine.Define("order", func(g *engine.Graph, amount engine.Value[int]) engine.Value[string] {
		return engine.Add(g, ship, engine.Add(g, paid, amount))
	})
	orders := engine.Define("orders", func(g *engine.Graph, amounts engine.Value[[]int]) engine.Value[[]string] {
		return engine.Map(g, order, amounts)
	})
	ctx := context.Background()

	parcels, err := orders.Run(ctx, []int{10, 0, 20}) // the zero value for what was stopped
	fmt.Printf("%q %v\n", parcels, err)

	_, err = order.Run(ctx, 0) // the result itself was stopped
	fmt.Println(err, errors.Is(err, engine.ErrStopped))

	_, err = orders.Run(ctx, []int{10, -1, 20}) // the whole run was stopped
	fmt.Println(err, errors.Is(err, engine.ErrStopped))
	// Output:
	// ["parcel for 10" "" "parcel for 20"] <nil>
	// order/paid: stopped by a gate true
	// orders/order[1]/paid: stopped by a gate true
}
