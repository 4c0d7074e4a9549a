//go:build unix

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/jaegertest"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestLargeMapLosesNothing has a map of 100,000 items, and sends it to a Collector with
// the settings that a manifest has when it says nothing: all of it arrives, and the
// metrics count every item.
func TestLargeMapLosesNothing(t *testing.T) {
	const items = 100_000
	behind := otlptest.Start(t, nil)
	collector := jaegertest.StartCollector(t, behind.Endpoint)
	tel := open(t, "  service: { name: shop }\n  backends:\n    - plugin: otlp\n      config: { endpoint: \""+collector.OTLPEndpoint()+"\" }\n")
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	p := engine.Define("large", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, double, in)
	})
	in := make([]int, items)
	began := time.Now()
	out, err := p.Run(t.Context(), in, engine.Config{Callbacks: tel.Callbacks()})
	if err != nil || len(out) != items {
		t.Fatal(len(out), err)
	}
	ran := time.Now()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := tel.Stats()[0]
	t.Logf("ran for %s, and shut down in %s; %d events", ran.Sub(began).Round(time.Millisecond), time.Since(ran).Round(time.Millisecond), st.Emitted)
	if st.Emitted < 2*items || st.Delivered != st.Emitted || st.Lost() > 0 {
		t.Errorf("%+v", st)
	}
	// The run, the map and as many items as have spans by default.
	const spans = 2 + 1000
	await(t, func() string {
		if n := len(behind.AllSpans()); n < spans {
			return "spans are missing"
		}
		return ""
	})
	if n := len(behind.AllSpans()); n != spans {
		t.Errorf("%d spans came, want %d", n, spans)
	}
	durations := behind.Metrics()["spanloom.map.item.duration"].GetHistogram().GetDataPoints()
	if len(durations) != 1 || durations[0].GetCount() != items {
		t.Errorf("the metrics tell of %v", durations)
	}
}
