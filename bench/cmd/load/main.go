// Command load measures what backends take: how much in a second, for how much of a
// processor and memory, and what a run feels of one that is stopped.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spanloom/spanloom/bench"
)

func main() {
	if bench.ServeSink() || bench.ServeLoad() {
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	var o bench.LoadOptions
	out := flag.String("json", "", "also write the results to this `file`")
	flag.IntVar(&o.Bursts, "bursts", 7, "how many bursts of 100,000 nodes")
	flag.IntVar(&o.Turns, "turns", 7, "how often to stop the backend")
	flag.DurationVar(&o.Steady, "steady", 5*time.Second, "how long to make nodes at a steady rate")
	flag.Parse()
	list, err := bench.Loads(o)
	if err != nil {
		return err
	}
	if err := bench.WriteLoads(os.Stdout, list); err != nil || *out == "" {
		return err
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o750); err != nil {
		return err
	}
	return os.WriteFile(*out, append(text, '\n'), 0o600)
}
