// Command bench measures every workload on every engine and prints a table, and which
// targets hold.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/spanloom/spanloom/bench"
)

func main() {
	if bench.ServeSink() {
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		out     = flag.String("json", "", "also write the results to this `file`")
		targets = flag.String("targets", "", "also write the targets to this `file`")
		only    = flag.String("run", "", "measure only what matches `regexp`, as in W1/limit")
		time    = flag.Duration("time", 700*time.Millisecond, "how long to measure each workload on each engine")
		rounds  = flag.Int("rounds", 11, "how often the engines take turns")
	)
	flag.Parse()
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	sizes := bench.Full()
	telemetry, end, err := bench.Telemetry(sizes)
	if err != nil {
		return err
	}
	defer func() { _ = end() }()
	workloads := slices.DeleteFunc(bench.Sorted(append(bench.All(sizes), telemetry...)), func(w bench.Workload) bool {
		return !chosen.MatchString(w.Name + "/" + w.Engine)
	})

	results, err := bench.Measure(workloads, bench.Options{Time: *time, Rounds: *rounds})
	if err != nil {
		return err
	}
	fmt.Printf("%s, GOMAXPROCS %d; costs are per node, item or leaf\n\n", runtime.Version(), runtime.GOMAXPROCS(0))
	if err := bench.WriteTable(os.Stdout, results); err != nil {
		return err
	}
	verdicts := bench.Targets(results)
	fmt.Println("\nTargets, computed from the rows above")
	if err := bench.WriteTargets(os.Stdout, verdicts); err != nil {
		return err
	}
	return errors.Join(write(*out, results), write(*targets, verdicts))
}

// write writes a list to a file, if one is named.
func write(path string, list any) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
