package callbacks_test

import (
	"context"
	"fmt"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

func ExampleAsync() {
	report := callbacks.Async(callbacks.Funcs{
		NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
			time.Sleep(10 * time.Millisecond) // such as a request
			fmt.Println("reported", cc.Path(), ev.Result)
		},
	}, 100) // events wait at most

	fmt.Println(pipeline("p", half).Run(context.Background(), 8, engine.Config{Callbacks: []callbacks.PipelineCallback{report}}))

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println(report.Close(ctx))
	// Output:
	// 4 <nil>
	// reported p/half success
	// 0 <nil>
}
