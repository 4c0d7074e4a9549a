package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

func ExampleConfig_resume() {
	diskFull := true
	fetch := engine.Node("fetch", func(context.Context, string) (string, error) {
		fmt.Println("fetching")
		return "rows", nil
	})
	save := engine.Node("save", func(_ context.Context, rows string) (string, error) {
		if diskFull {
			return "", errors.New("disk full")
		}
		return "saved " + rows, nil
	})
	daily := engine.Define("daily", func(g *engine.Graph, day engine.Value[string]) engine.Value[string] {
		return engine.Add(g, save, engine.Add(g, fetch, day))
	})

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
	again := callbacks.Funcs{
		PipelineStart: func(_ *callbacks.CallbackContext, ev callbacks.PipelineStart) {
			if ev.Resumed != nil {
				fmt.Println("started before:", ev.Resumed.Starts)
			}
		},
		NodeCached: func(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
			fmt.Println(cc.Path(), ev.Reason)
		},
	}
	cfg := engine.Config{RunID: "2026-11-21", Runs: store, Callbacks: []callbacks.PipelineCallback{again}}

	_, err = daily.Run(context.Background(), "monday", cfg)
	fmt.Println(err)
	diskFull = false
	fmt.Println(daily.Run(context.Background(), "monday", cfg))
	_, err = daily.Run(context.Background(), "tuesday", cfg)
	fmt.Println(err)
	// Output:
	// fetching
	// daily/save: disk full
	// started before: 1
	// daily/fetch resume
	// saved rows <nil>
	// run "2026-11-21" cannot go on: its input is another; take another Config.RunID for a new run
}
