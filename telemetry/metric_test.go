package telemetry

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// marking is a run whose nodes and items mark values.
func marking(run *hooktest.Scope) {
	train := run.Node("train")
	train.Metric("model.loss", 0.5)
	train.Metric("model.loss", 0.25)
	train.OK(time.Second)
	run.Replayed("load", callbacks.NodeCached{Reason: "resume"}, "rows", 7)
	m := run.Map("parse", 2, 0)
	i := m.Item(0)
	i.Metric("lines", 3)
	i.OK(time.Second)
	m.ReplayedItem(1, callbacks.MapItemCached{Reason: "resume"}, "lines", 4)
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Succeeded: 1, Cached: 1})
	run.OK(time.Second)
}

func TestMarkedValues(t *testing.T) {
	t.Parallel()
	spans := record(t, hooktest.Config("daily"), marking)
	value := func(at time.Duration, name string, v float64) event {
		return event{"metric", at, map[string]any{"spanloom.metric.name": name, "spanloom.metric.value": v}}
	}
	for name, want := range map[string][]event{
		"node train":        {value(time.Millisecond, "model.loss", 0.5), value(time.Millisecond, "model.loss", 0.25)},
		"node load":         {value(0, "rows", 7)},
		"map_item parse[0]": {value(time.Millisecond, "lines", 3)},
		"map_item parse[1]": {value(0, "lines", 4)},
		"pipeline daily":    nil,
	} {
		if diff := cmp.Diff(want, events(spans[name])); diff != "" {
			t.Errorf("events of %s (-want +got)\n%s", name, diff)
		}
	}
}

// TestMarkedInARunThatIsNotSampled notes nothing of a run that has no spans.
func TestMarkedInARunThatIsNotSampled(t *testing.T) {
	t.Parallel()
	cb := NewCallback(Exporters{Spans: tracetest.NewInMemoryExporter()})
	c := hooktest.Config("daily")
	c.Identity.Flags = 0
	run := hooktest.Start(cb, c)
	run.Node("n").Metric("rows", 1)
	if cb.notes.any() {
		t.Error("a value was noted")
	}
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
