package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// marks returns what callbacks heard of values.
func marks(events []callbacktest.Event) (list []string) {
	for _, ev := range events {
		if m, ok := ev.Event.(callbacks.Metric); ok {
			list = append(list, fmt.Sprintf("%s %s=%v replayed=%t", ev.Context.Path(), m.Name, m.Value, m.Replayed))
		}
	}
	slices.Sort(list)
	return list
}

// TestMetricsAreKept starts a run until it succeeds: each later start tells again
// what those steps have marked that do not run again.
func TestMetricsAreKept(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir(), runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	attempt := 0
	count := engine.Node("count", func(ctx context.Context, n int) ([]int, error) {
		attempt++
		engine.Metric(ctx, fmt.Sprint("only.", attempt), 1)
		engine.Metric(ctx, "rows", 1)
		engine.Metric(ctx, "rows", float64(n))
		if attempt == 1 {
			return nil, errBroken
		}
		return []int{n, n + 1}, nil
	}, engine.WithRetry(engine.Retry{Attempts: 2}), engine.WithTimeout(time.Minute))
	item := engine.Node("item", func(ctx context.Context, n int) (int, error) {
		engine.Metric(ctx, "lines", float64(10*n))
		return n, nil
	})
	broken := true
	last := engine.Node("last", func(ctx context.Context, list []int) (int, error) {
		engine.Metric(ctx, "broken", 1)
		if broken {
			return 0, errBroken
		}
		return len(list), nil
	})
	p := engine.Define("p", func(g *graph, in num) num {
		return engine.Add(g, last, engine.Map(g, item, engine.Add(g, count, in)))
	})
	fresh := []string{
		"p/count only.1=1 replayed=false", "p/count only.2=1 replayed=false",
		"p/count rows=1 replayed=false", "p/count rows=1 replayed=false",
		"p/count rows=7 replayed=false", "p/count rows=7 replayed=false",
		"p/item[0] lines=70 replayed=false", "p/item[1] lines=80 replayed=false", "p/last broken=1 replayed=false",
	}
	again := []string{
		"p/count only.2=1 replayed=true", "p/count rows=7 replayed=true",
		"p/item[0] lines=70 replayed=true", "p/item[1] lines=80 replayed=true", "p/last broken=1 replayed=false",
	}
	for i, want := range [][]string{fresh, again, again} {
		rec := &callbacktest.Recorder{}
		broken = i < 2
		_, err := p.Run(t.Context(), 7, engine.Config{RunID: "r", Runs: dir, Callbacks: []callbacks.PipelineCallback{rec}})
		if (err != nil) != broken {
			t.Fatal(err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, marks(rec.Events())); diff != "" {
			t.Errorf("start %d (-want +got):\n%s", i+1, diff)
		}
	}
	var kept []string
	for r, err := range dir.Read("r") {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, fmt.Sprintf("%s %s %v", r.Path, r.Status, r.Metrics))
	}
	slices.Sort(kept)
	if diff := cmp.Diff([]string{
		"p/count failure map[only.1:1 rows:7]", "p/count success map[only.2:1 rows:7]",
		"p/item[0] success map[lines:70]", "p/item[1] success map[lines:80]",
		"p/last failure map[broken:1]", "p/last failure map[broken:1]", "p/last success map[broken:1]",
	}, kept); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// TestMetricsAreKeptUnheard has no callbacks.
func TestMetricsAreKeptUnheard(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir(), runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	p := single(func(ctx context.Context, n int) (int, error) {
		for i := range 150 {
			engine.Metric(ctx, fmt.Sprint("v", i), float64(n))
		}
		return n, nil
	})
	if _, err := p.Run(t.Context(), 7, engine.Config{RunID: "r", Runs: dir}); err != nil {
		t.Fatal(err)
	}
	for r, err := range dir.Read("r") {
		if err != nil || len(r.Metrics) != 100 || r.Metrics["v99"] != 7 {
			t.Error(err, len(r.Metrics), r.Metrics["v99"])
		}
	}
}

// TestMetricsThatAreRefused has names and values that no exporter could take. It is
// not parallel: it looks at the program's logger.
func TestMetricsThatAreRefused(t *testing.T) {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	defer slog.SetDefault(before)
	rec := &callbacktest.Recorder{}
	p := single(func(ctx context.Context, n int) (int, error) {
		engine.Metric(ctx, "rows read", 1)
		engine.Metric(ctx, "", 1)
		engine.Metric(ctx, "spanloom.rows", 1)
		engine.Metric(ctx, strings.Repeat("x", 256), 1)
		engine.Metric(ctx, "nan", math.NaN())
		engine.Metric(ctx, "inf", math.Inf(-1))
		engine.Metric(ctx, "rows", -0.5)
		return n, nil
	})
	counted := engine.RefusedMetrics()
	if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}}); err != nil {
		t.Error(err)
	}
	if got := engine.RefusedMetrics() - counted; got < 6 { // tests beside this one may have some
		t.Errorf("%d values were counted", got)
	}
	if diff := cmp.Diff([]string{"p/n rows=-0.5 replayed=false"}, marks(rec.Events())); diff != "" {
		t.Error(diff)
	}
	const want = `level=WARN msg="a metric of a node is dropped; the run goes on" name="rows read" path=p/n ` +
		`error="' ' is not allowed in a name: take letters, digits, \"_\", \".\", \"-\" and \"/\""`
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) {
		t.Errorf("logged\n%swant\n%s", got, want)
	}
}

// TestMetricOutsideOfANode is ignored, and costs nothing where nobody hears it.
func TestMetricOutsideOfANode(t *testing.T) {
	engine.Metric(t.Context(), "rows", 1)
	rec := &callbacktest.Recorder{}
	var kept context.Context
	p := single(func(ctx context.Context, n int) (int, error) {
		kept = ctx //nolint:fatcontext // on purpose
		return n, nil
	})
	if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}}); err != nil {
		t.Error(err)
	}
	engine.Metric(kept, "rows", 1)
	if got := marks(rec.Events()); len(got) != 0 {
		t.Error(got)
	}
	if _, err := single(func(ctx context.Context, n int) (int, error) {
		if got := testing.AllocsPerRun(100, func() { engine.Metric(ctx, "rows", 1) }); got != 0 {
			t.Errorf("%v allocations though nobody hears", got)
		}
		return n, nil
	}).Run(t.Context(), 1); err != nil {
		t.Error(err)
	}
}
