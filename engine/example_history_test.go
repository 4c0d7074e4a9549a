package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

func ExampleConfig_history() {
	ctx := context.Background()
	temp, err := os.MkdirTemp("", "spanloom")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(temp)
	store, err := runs.Open(filepath.Join(temp, "runs"), runs.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	check := engine.Node("check", func(_ context.Context, n int) (int, error) {
		if n < 0 {
			return 0, errors.New("negative")
		}
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, check, n)
	})
	for i, n := range []int{1, 2, -3} {
		_, _ = p.Run(ctx, n, engine.Config{RunID: fmt.Sprint("run-", i), Runs: store})
	}

	list, err := store.List(ctx) // the newest first
	for _, s := range list {
		fmt.Println(s.ID, s.Pipeline, "starts:", s.Starts, "records:", s.Records, s.Result)
	}
	fmt.Println(len(list), err)

	one, err := store.Stat("run-2") // one of them
	fmt.Println(one.Message, one.Open, err)
	for record, err := range store.Read("run-2") { // its attempts
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.Kind, record.Path, record.Attempt, record.Status, record.Message)
	}

	fmt.Println(store.Prune(ctx, 1)) // keeps the newest of those that have ended
	// Output:
	// run-2 p starts: 1 records: 1 failure
	// run-1 p starts: 1 records: 1 success
	// run-0 p starts: 1 records: 1 success
	// 3 <nil>
	// p/check: negative false <nil>
	// node p/check 1 failure negative
	// 2 <nil>
}
