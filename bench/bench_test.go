package bench

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// BenchmarkWorkloads gives the figures to `go test -bench` and benchstat; use
// the command for a comparison of engines. What Minus takes off is not.
func BenchmarkWorkloads(b *testing.B) {
	for _, w := range All(Full()) {
		b.Run(w.Name+"/"+w.Engine, func(b *testing.B) {
			j, err := w.Make()
			if err != nil {
				b.Fatal(err)
			}
			runs := make([]time.Duration, 0, b.N)
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				err := j.Run()
				runs = append(runs, time.Since(start))
				if err := errors.Join(err, j.Check()); err != nil {
					b.Fatal(err)
				}
			}
			slices.Sort(runs)
			nodes := float64(w.Nodes)
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/nodes, "ns/node")
			b.ReportMetric(percentile(runs, 0.50)/nodes, "p50-ns/node")
			b.ReportMetric(percentile(runs, 0.99)/nodes, "p99-ns/node")
		})
	}
}

func small() Sizes {
	return Sizes{
		Chain: 30, ShortChain: 3, LongChain: 60, Fan: 12, Items: 50,
		Pipelines: 4, Leaves: 4, Layers: 5, Width: 3,
		Stages: 3, Lanes: 2, Delay: time.Millisecond,
	}
}

// TestEveryWorkloadOnEveryEngine runs each a few times, with other inputs.
func TestEveryWorkloadOnEveryEngine(t *testing.T) {
	for _, w := range All(small()) {
		t.Run(w.Name+"/"+w.Engine, func(t *testing.T) {
			j, err := w.Make()
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if err := errors.Join(j.Run(), j.Check()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestWhoTakesPart(t *testing.T) {
	got := map[string]string{}
	for _, w := range All(Full()) {
		got[w.Engine] += w.Name + " "
	}
	const graphs = "W1 W1n10 W2 W3 W4 W5 "
	want := map[string]string{
		Spanloom:      "W1 W1n10 W2 W2sleep W3 W4 W4pipe W5 W1build W5build build100k ",
		allName:       "W2sleep ",
		deafName:      "W1 ",
		untimedName:   "W1 ",
		timedName:     "W1 ",
		itemsName:     "W3 ",
		Limit:         "W1 W1n10 W2 W3 W4 W4pipe W5 W1build W5build build100k ",
		"direct":      graphs,
		"loop":        "W1 W1n10 W2 W4 W5 ",
		goroutineName: "W1 W1n10 W2 W2sleep W3 W4 W5 ",
		"errgroup":    "W1 W1n10 W2 W2sleep W3 W4 W5 ",
		"conc":        graphs,
		einoName:      graphs,
		taskflowName:  graphs,
		workflowName:  "W1 W1n10 W2 W4 W5 ",
		asyncName:     graphs,
		dagName:       "W1 W1n10 W2 W5 ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads of engines (-want +got):\n%s", diff)
	}
}

// TestAWrongResultIsNoticed leaves out a node, an item and a whole run.
func TestAWrongResultIsNoticed(t *testing.T) {
	const n = 10
	stale := 0
	for name, makeJob := range map[string]func() (Job, error){
		"node": chainJob(n, func(int) (step, error) { return limitChain(n - 1).step(), nil }),
		"item": mapJob(n, func(int) (mapper, error) {
			return func(ctx context.Context, items []int) ([]int, error) {
				out := make([]int, n)
				for i := range n - 1 {
					out[i], _ = triple(ctx, items[i])
				}
				return out, nil
			}, nil
		}),
		"run": chainJob(n, func(int) (step, error) {
			return func(_ context.Context, v int) (int, error) {
				if stale == 0 {
					stale = v + n
				}
				return stale, nil
			}, nil
		}),
	} {
		err := new(sample).add(makeJob, time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), "the result is") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func sleeping(d time.Duration) func() (Job, error) {
	return func() (Job, error) {
		return Job{
			Run:   func() error { time.Sleep(d); return nil },
			Check: func() error { return nil },
		}, nil
	}
}

func TestMeasureComparesWithTheLimit(t *testing.T) {
	results, err := Measure([]Workload{
		{Name: "W", Engine: "slow", Nodes: 10, Make: sleeping(20 * time.Millisecond)},
		{Name: "W", Engine: Limit, Nodes: 10, Make: sleeping(time.Millisecond)},
		{Name: "X", Engine: "slow", Nodes: 1, Make: sleeping(time.Millisecond)},
		{Name: "Y", Engine: Limit, Nodes: 1, Make: sleeping(20 * time.Millisecond), Minus: sleeping(15 * time.Millisecond)},
	}, Options{Time: 20 * time.Millisecond, Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	if slow := results[0]; slow.P50 < 2e6 || slow.VsLimit <= 1 || slow.Nodes != 10 {
		t.Errorf("slow engine: %+v", slow)
	}
	if limit := results[1]; math.Abs(limit.VsLimit-1) > 1e-9 {
		t.Errorf("the limit against itself: %+v", limit)
	}
	if alone := results[2]; alone.VsLimit != 0 {
		t.Errorf("a workload that the limit did not run: %+v", alone)
	}
	if less := results[3]; less.P50 >= 15e6 {
		t.Errorf("a workload with something taken off: %+v", less)
	}
}

func TestResultsAreMediansOfRounds(t *testing.T) {
	runs := []time.Duration{100, 100, 100, 200, 200, 300, 300, 9000}
	got := results([]Workload{{Name: "W", Engine: Limit, Nodes: 10}}, []samples{{
		run:   sample{runs: runs, medians: []time.Duration{300, 100, 200}, allocs: 240, bytes: 480},
		minus: sample{runs: []time.Duration{50}, medians: []time.Duration{50}, allocs: 10, bytes: 20},
	}})
	want := []Result{{Workload: "W", Engine: Limit, Nodes: 10, P50: 15, P99: 895, Allocs: 2, Bytes: 4, VsLimit: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestMeasureStopsAtAWrongResult(t *testing.T) {
	boom := errors.New("boom")
	wrong := func() (Job, error) {
		return Job{Run: func() error { return nil }, Check: func() error { return boom }}, nil
	}
	_, err := Measure([]Workload{{Name: "W", Engine: "x", Nodes: 1, Make: wrong}}, Options{})
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
		{Workload: "W1", Engine: Limit, Nodes: 1000, P50: 8.6, P99: 10, VsLimit: 1},
		{Workload: "W1", Engine: "other", Nodes: 100, P50: 86, P99: 100, Allocs: 1.5, Bytes: 48, VsLimit: 10},
		{Workload: "W2", Engine: "other", Nodes: 7, P50: 1, P99: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `
  workload  engine  nodes  p50 ns  p99 ns  allocs  bytes  vs limit
        W1   limit   1000     8.6    10.0    0.00      0      1.0x
        W1   other    100    86.0   100.0    1.50     48     10.0x

        W2   other      7     1.0     2.0    0.00      0         -
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(text.String())); diff != "" {
		t.Errorf("table (-want +got):\n%s\n%s", diff, text.String())
	}
}
