// Command build makes the Jaeger binary that the tests start, if it is not in
// the cache yet, and prints its path and the command that starts it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/spanloom/spanloom/internal/jaegertest/jaegerbin"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "jaeger:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path, err := jaegerbin.Build(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "%s\nstart it here by: %s\n", path, jaegerbin.Command(path))
	return err
}
