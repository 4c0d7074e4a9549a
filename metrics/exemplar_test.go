package metrics_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/metrics"
)

// exemplars returns those of the nodes.
func exemplars(t *testing.T, m *metrics.Callback) []metricdata.Exemplar[float64] {
	t.Helper()
	return produce(t, m)["spanloom.node.duration"].Data.(metricdata.Histogram[float64]).DataPoints[0].Exemplars
}

// TestExemplars holds that they lead to spans of sampled runs, one for a bucket,
// and that a collection makes room for new ones.
func TestExemplars(t *testing.T) {
	t.Parallel()
	m := open(t)
	c := hooktest.Config("p")
	c.Identity.Flags = 0
	hooktest.Start(m, c).Node("n").OK(ms)
	if got := exemplars(t, m); len(got) != 0 {
		t.Errorf("an exemplar leads to a trace that is not sampled: %v", got)
	}

	run := hooktest.Start(m, hooktest.Config("p"))
	first := run.Node("n")
	first.OK(ms)
	run.Round(1)
	slow := run.Node("n")
	slow.OK(time.Second)
	run.Round(2)
	second := run.Node("n")
	second.OK(ms / 2)

	check := func(got []metricdata.Exemplar[float64], scopes ...*hooktest.Scope) {
		t.Helper()
		if len(got) != len(scopes) {
			t.Fatalf("%d exemplars, want %d", len(got), len(scopes))
		}
		for i, s := range scopes {
			span, trace := s.SpanID(), s.TraceID()
			if string(got[i].SpanID) != string(span[:]) || string(got[i].TraceID) != string(trace[:]) {
				t.Errorf("exemplar %d leads to %x of trace %x, want %s of %s", i, got[i].SpanID, got[i].TraceID, span, trace)
			}
		}
	}
	got := exemplars(t, m)
	check(got, first, slow)
	if want := first.Start().Add(ms); got[0].Value != 0.001 || !got[0].Time.Equal(want) {
		t.Errorf("%v at %v, want 0.001 at %v", got[0].Value, got[0].Time, want)
	}
	check(exemplars(t, m), first, slow) // another reader sees them too

	run.Round(3)
	third := run.Node("n")
	third.OK(0)
	run.Round(4)
	run.Node("n").OK(0)
	check(exemplars(t, m), third, slow)
}
