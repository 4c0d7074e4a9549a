package callbacks_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

var errBudget = errors.New("too many retries")

// retryBudget calls cancel when the steps of a run were tried again more than
// most times in all.
func retryBudget(most int64, cancel context.CancelCauseFunc) callbacks.PipelineCallback {
	var retries atomic.Int64 // hooks of different steps come at once
	return callbacks.Funcs{NodeRetry: func(*callbacks.CallbackContext, callbacks.NodeRetry) {
		if retries.Add(1) > most {
			cancel(errBudget)
		}
	}}
}

func Example_retryBudget() {
	down := engine.Node("down", func(ctx context.Context, _ int) (int, error) {
		if err := ctx.Err(); err != nil { // as a client of the service would do
			return 0, err
		}
		return 0, errors.New("service is down")
	}, engine.WithRetry(engine.Retry{Attempts: 1000}))
	p := pipeline("p", down)

	// The program owns ctx, and may end it when it likes. The callback only tells it.
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	_, err := p.Run(ctx, 1, engine.Config{Callbacks: []callbacks.PipelineCallback{retryBudget(3, cancel)}})
	fmt.Println(err)
	fmt.Println(errors.Is(err, errBudget), errors.Is(err, context.Canceled))
	// Output:
	// p: context canceled: too many retries
	// true true
}
