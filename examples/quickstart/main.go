// Quickstart analyses the Go files below a directory with a nested pipeline.
//
//	go run ./examples/quickstart [DIR]
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/signal"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
)

//go:embed spanloom.yaml
var manifest []byte

func main() {
	dir := directory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tel, err := spanloom.Open(ctx, spanloom.WithEmbeddedManifest(manifest))
	exitOn(err)
	report, err := Analyse.Run(ctx, dir, engine.Config{Callbacks: tel.Callbacks()})
	_ = tel.Shutdown(context.Background()) // says itself what was lost
	exitOn(err)
	fmt.Print(report)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
