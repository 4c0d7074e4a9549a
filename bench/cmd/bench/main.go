// Command bench measures every workload on every engine and prints a table.
package main

import (
	"cmp"
	"encoding/json"
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
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var (
		out    = flag.String("json", "", "also write the results to this `file`")
		only   = flag.String("run", "", "measure only what matches `regexp`, as in W1/limit")
		time   = flag.Duration("time", time.Second, "how long to measure each workload on each engine")
		rounds = flag.Int("rounds", 10, "how often the engines take turns")
	)
	flag.Parse()
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	telemetry, end, err := bench.Telemetry()
	if err != nil {
		return err
	}
	defer func() { _ = end() }()
	workloads := slices.DeleteFunc(append(bench.All(), telemetry...), func(w bench.Workload) bool {
		return !chosen.MatchString(w.Name + "/" + w.Engine)
	})
	slices.SortStableFunc(workloads, func(a, b bench.Workload) int { return cmp.Compare(a.Name, b.Name) })

	results, err := bench.Measure(workloads, bench.Options{Time: *time, Rounds: *rounds})
	if err != nil {
		return err
	}
	fmt.Printf("%s, GOMAXPROCS %d; costs are per node, item or leaf\n\n", runtime.Version(), runtime.GOMAXPROCS(0))
	if err := bench.WriteTable(os.Stdout, results); err != nil {
		return err
	}
	if *out == "" {
		return nil
	}
	return write(*out, results)
}

func write(path string, results []bench.Result) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
