package runs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spanloom/spanloom/runs"
)

// A run that is started twice does the work of each node once.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "runs")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := runs.Open(dir, runs.Options{})
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()

	for range 2 {
		log, err := store.Open(ctx, runs.Header{ID: "invoice-17", Pipeline: "billing"}, nil)
		if err != nil {
			panic(err)
		}
		done, ok, err := log.Finished("node", "billing/load")
		if err != nil {
			panic(err)
		}
		if ok {
			fmt.Println("loaded before:", string(done.Outputs[0]))
		} else {
			fmt.Println("loading")
			err = log.Append(runs.Record{
				Kind: "node", Path: "billing/load", Attempt: 1, Status: "success",
				Outputs: []json.RawMessage{json.RawMessage(`"three lines"`)},
			})
			if err != nil {
				panic(err)
			}
		}
		if err := log.Close("success", ""); err != nil {
			panic(err)
		}
	}
	s, err := store.Stat("invoice-17")
	fmt.Println(s.ID, s.Starts, s.Records, s.Result, err)
	// Output:
	// loading
	// loaded before: "three lines"
	// invoice-17 2 1 success <nil>
}
