package bench

import (
	"errors"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func telemetryWorkloads(t *testing.T, s Sizes) []Workload {
	t.Helper()
	list, end, err := Telemetry(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end() }) // a busy machine may have it give up log records
	return list
}

// TestTelemetry runs each workload a few times. That no span is missing is part
// of their checks.
func TestTelemetry(t *testing.T) {
	got := map[string]string{}
	for _, w := range telemetryWorkloads(t, small()) {
		got[w.Engine] += w.Name + " "
		t.Run(w.Name+"/"+w.Engine, func(t *testing.T) {
			j, err := w.Make()
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := errors.Join(j.Run(), j.Check()); err != nil {
					t.Fatal(err)
				}
				if j.Cost != nil && j.Cost() <= 0 && w.Engine != addsName {
					t.Errorf("a run cost %s", j.Cost())
				}
			}
		})
	}
	if !canCount {
		return
	}
	want := map[string]string{
		Spanloom:        "W1thread W1processes W6 W6mixed ",
		addsName:        "W6 W6mixed ",
		consoleName:     "W1 ",
		spansName:       "W1processes W1thread ",
		otlpName:        "W1 W1thread ",
		allOnName:       "W1processes W1thread ",
		unsampledName:   "W1 W1thread ",
		otelSpanName:    "W1thread W1processes ",
		otelMetricsName: "W1thread ",
		slogName:        "W1thread ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads of engines (-want +got):\n%s", diff)
	}
}

// TestTelemetryAllocatesNothingForANode looks at what the goroutine that runs the
// nodes allocates: all allocations whose stack has the engine in it. A run
// allocates some, which are few when they are shared out among its nodes.
func TestTelemetryAllocatesNothingForANode(t *testing.T) {
	sizes := small()
	sizes.Chain = 300
	for _, w := range telemetryWorkloads(t, sizes) {
		if w.Name != threadName || w.Engine != spansName && w.Engine != otlpName {
			continue // log records are of runs, not of nodes
		}
		t.Run(w.Engine, func(t *testing.T) {
			j, err := w.Make()
			if err != nil {
				t.Fatal(err)
			}
			run := func() {
				if err := errors.Join(j.Run(), j.Check()); err != nil {
					t.Fatal(err)
				}
			}
			run() // series, queues and the like come to their size
			run()
			before := engineAllocations()
			rate := runtime.MemProfileRate
			runtime.MemProfileRate = 1
			run()
			runtime.MemProfileRate = rate
			const most = 0.1
			if got := float64(engineAllocations()-before) / float64(w.Nodes); got > most {
				t.Errorf("%.3f allocations a node, want at most %g", got, most)
			}
		})
	}
}

// engineAllocations counts the allocations so far that were made under the engine.
func engineAllocations() (n int64) {
	runtime.GC() // a profile is of the last collection but one
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 1<<16)
	count, ok := runtime.MemProfile(records, true)
	if !ok {
		panic("the profile has more records")
	}
	for _, r := range records[:count] {
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.HasPrefix(f.Function, "github.com/spanloom/spanloom/engine.(*worker)") {
				n += r.AllocObjects
				break
			}
		}
	}
	return n
}

func TestOften(t *testing.T) {
	runs, checks := 0, 0
	j, err := often(3, func() (Job, error) {
		return Job{Run: func() error { runs++; return nil }, Check: func() error { checks++; return nil }}, nil
	})()
	if err := errors.Join(err, j.Run()); err != nil || runs != 3 || checks != 3 {
		t.Errorf("%d runs, %d checks, error %v", runs, checks, err)
	}
}

// TestCostsOfThreads holds that a thread's cost is its own work only.
func TestCostsOfThreads(t *testing.T) {
	if !canCount {
		t.Skip("processor time cannot be counted here")
	}
	j, err := onThread(sleeping(50 * time.Millisecond))()
	if err := errors.Join(err, j.Run()); err != nil {
		t.Fatal(err)
	}
	if got := j.Cost(); got <= 0 || got > 40*time.Millisecond {
		t.Errorf("sleeping for 50 ms cost %s", got)
	}
}

// row is a row that the documentation names, such as `W1thread/spanloom`.
var row = regexp.MustCompile("`(W[0-9]\\w*/[^`]+)`")

// TestDocumentationNamesRows holds that each row that docs/overhead.md names is
// measured.
func TestDocumentationNamesRows(t *testing.T) {
	rows := map[string]bool{}
	for _, w := range append(All(Full()), telemetryWorkloads(t, small())...) {
		rows[w.Name+"/"+w.Engine] = true
	}
	text, err := os.ReadFile("../docs/overhead.md")
	if err != nil {
		t.Fatal(err)
	}
	named := row.FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Error("the page names no row")
	}
	for _, m := range named {
		if canCount && !rows[m[1]] {
			t.Errorf("no row is %s", m[1])
		}
	}
}

// TestBeside holds that a cost is what the second job takes longer, whoever is first.
func TestBeside(t *testing.T) {
	j, err := beside(sleeping(10*time.Millisecond), sleeping(40*time.Millisecond))()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := j.Run(); err != nil {
			t.Fatal(err)
		}
		if got := j.Cost(); got < 10*time.Millisecond || got > 60*time.Millisecond {
			t.Errorf("a job of 40 ms takes %s longer than one of 10 ms", got)
		}
	}
}
