package metrics_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/metrics"
	"github.com/spanloom/spanloom/runs"
)

// TestMarkedValues shows that the latest value stands, whoever has marked it.
func TestMarkedValues(t *testing.T) {
	t.Parallel()
	m := open(t)
	run := hooktest.Start(m, hooktest.Config("daily"))
	train := run.Node("train")
	train.Metric("model.loss", 0.5)
	train.Metric("model.loss", 0.25)
	train.Metric("Model.Loss", 0.125) // the same instrument
	train.OK(0)
	items := run.Map("load", 2, 0)
	for i := range 2 {
		item := items.Item(i)
		item.Metric("rows", float64(10*i))
		item.OK(0)
	}
	run.Replayed("fetch", callbacks.NodeCached{Reason: "resume"}, "rows", -3)
	want := []string{
		"model.loss spanloom.node.name=train,spanloom.pipeline.name=daily = 0.125",
		"rows spanloom.node.name=fetch,spanloom.pipeline.name=daily = -3",
		"rows spanloom.node.name=load,spanloom.pipeline.name=daily = 10",
	}
	if diff := cmp.Diff(want, gauges(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// gauges returns the series that are gauges.
func gauges(t fataler, m *metrics.Callback) (list []string) {
	t.Helper()
	is := map[string]bool{}
	for name, one := range produce(t, m) {
		_, is[name] = one.Data.(metricdata.Gauge[float64])
	}
	for _, line := range lines(t, m) {
		var name string
		if _, err := fmt.Sscan(line, &name); err == nil && is[name] {
			list = append(list, line)
		}
	}
	return list
}

// TestTooManyNames gives more names than there may be instruments, in more nodes
// than there may be series.
func TestTooManyNames(t *testing.T) {
	t.Parallel()
	m := open(t)
	run := hooktest.Start(m, hooktest.Config("p"))
	n := run.Node("n")
	for i := range 250 {
		n.Metric(fmt.Sprint("name", i), 1)
	}
	for i := range 2500 {
		run.Node(fmt.Sprint("node", i)).Metric("name0", float64(i))
	}
	all := produce(t, m)
	found := 0
	for _, one := range all {
		if data, ok := one.Data.(metricdata.Gauge[float64]); ok {
			found++
			if len(data.DataPoints) > 2000 {
				t.Errorf("%s has %d series", one.Name, len(data.DataPoints))
			}
		}
	}
	got := points(t, m)
	dropped := got["spanloom.errors error.type=too_many_names,spanloom.component=metric"].value
	if found != 100 || dropped != 150 {
		t.Errorf("%d names, %v values dropped; want 100 and 150", found, dropped)
	}
	if v := got["name0 otel.metric.overflow=true"].value; v != 2499 {
		t.Errorf("the last of those beyond the limit is %v", v)
	}
}

// TestMarkedBeforeTheCrash starts a run again in what might be another process.
func TestMarkedBeforeTheCrash(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir(), runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	count := engine.Node("count", func(ctx context.Context, n int) (int, error) {
		engine.Metric(ctx, "rows", float64(n))
		return n, nil
	})
	broken := true
	last := engine.Node("last", func(_ context.Context, n int) (int, error) {
		if broken {
			return 0, context.DeadlineExceeded
		}
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, last, engine.Add(g, count, n))
	})
	for range 2 {
		m := open(t)
		_, _ = p.Run(t.Context(), 7, engine.Config{RunID: "r", Runs: dir, Callbacks: []callbacks.PipelineCallback{m}})
		want := []string{"rows spanloom.node.name=count,spanloom.pipeline.name=p = 7"}
		if diff := cmp.Diff(want, gauges(t, m)); diff != "" {
			t.Errorf("broken: %t (-want +got):\n%s", broken, diff)
		}
		broken = false
	}
}
