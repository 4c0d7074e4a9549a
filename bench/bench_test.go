package bench

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// BenchmarkWorkloads gives the figures to `go test -bench` and benchstat; use
// the command for a comparison of engines.
func BenchmarkWorkloads(b *testing.B) {
	for _, w := range All() {
		b.Run(w.Name+"/"+w.Engine, func(b *testing.B) {
			runs := make([]time.Duration, 0, b.N)
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if err := w.Run(); err != nil {
					b.Fatal(err)
				}
				runs = append(runs, time.Since(start))
			}
			slices.Sort(runs)
			nodes := float64(w.Nodes)
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/nodes, "ns/node")
			b.ReportMetric(percentile(runs, 0.50)/nodes, "p50-ns/node")
			b.ReportMetric(percentile(runs, 0.99)/nodes, "p99-ns/node")
		})
	}
}

func TestEveryWorkloadOnEveryEngine(t *testing.T) {
	all := All()
	results, err := Measure(all, Options{Time: time.Millisecond, Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{}
	for i, r := range results {
		if r.Workload != all[i].Name || r.Engine != all[i].Engine {
			t.Errorf("result %d is of %s on %s", i, r.Workload, r.Engine)
		}
		if r.P50 <= 0 || r.P99 < r.P50 || r.VsLimit <= 0 {
			t.Errorf("not a result: %+v", r)
		}
		seen[r.Engine] = append(seen[r.Engine], r.Workload)
	}
	for engine, names := range seen {
		slices.Sort(names)
		if diff := cmp.Diff([]string{"W1", "W2", "W3", "W4", "W5"}, names); diff != "" {
			t.Errorf("workloads of %s (-want +got):\n%s", engine, diff)
		}
	}
}

func TestMeasureComparesWithTheLimit(t *testing.T) {
	sleep := func(d time.Duration) func() error {
		return func() error { time.Sleep(d); return nil }
	}
	results, err := Measure([]Workload{
		{Name: "W", Engine: "slow", Nodes: 10, Run: sleep(20 * time.Millisecond)},
		{Name: "W", Engine: Limit, Nodes: 10, Run: sleep(time.Millisecond)},
		{Name: "X", Engine: "slow", Nodes: 1, Run: sleep(time.Millisecond)},
	}, Options{Time: 20 * time.Millisecond, Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if slow := results[0]; slow.P50 < 2e6 || slow.VsLimit <= 1 {
		t.Errorf("slow engine: %+v", slow)
	}
	if limit := results[1]; math.Abs(limit.VsLimit-1) > 1e-9 {
		t.Errorf("the limit against itself: %+v", limit)
	}
	if alone := results[2]; alone.VsLimit != 0 {
		t.Errorf("a workload that the limit did not run: %+v", alone)
	}
}

func TestMeasureStopsAtAWrongResult(t *testing.T) {
	boom := errors.New("boom")
	_, err := Measure([]Workload{{Name: "W", Engine: "x", Nodes: 1, Run: func() error { return boom }}}, Options{})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "W on x") {
		t.Errorf("error is %v", err)
	}
}

func TestPercentile(t *testing.T) {
	runs := make([]time.Duration, 200)
	for i := range runs {
		runs[i] = time.Duration(i + 1)
	}
	for part, want := range map[float64]float64{0: 1, 0.5: 100, 0.99: 198, 1: 200} {
		if got := percentile(runs, part); got != want {
			t.Errorf("percentile(%v) = %v, want %v", part, got, want)
		}
	}
	if got := percentile(runs[:1], 0.99); got != 1 {
		t.Errorf("percentile of one = %v", got)
	}
}

func TestWriteTable(t *testing.T) {
	var text strings.Builder
	err := WriteTable(&text, []Result{
		{Workload: "W1", Engine: Limit, P50: 8.6, P99: 10, VsLimit: 1},
		{Workload: "W1", Engine: "other", P50: 86, P99: 100, Allocs: 1.5, Bytes: 48, VsLimit: 10},
		{Workload: "W2", Engine: "other", P50: 1, P99: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `
  workload  engine  p50 ns  p99 ns  allocs  bytes  vs limit
        W1   limit     8.6    10.0    0.00      0      1.0x
        W1   other    86.0   100.0    1.50     48     10.0x

        W2   other     1.0     2.0    0.00      0         -
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(text.String())); diff != "" {
		t.Errorf("table (-want +got):\n%s\n%s", diff, text.String())
	}
}
