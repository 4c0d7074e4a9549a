//go:build unix

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestSteadyRunLosesNothing has a run whose items take some time and log, and a
// collector that answers at once: all is there when the program ends.
func TestSteadyRunLosesNothing(t *testing.T) {
	collector := otlptest.Start(t, nil)
	tel := open(t, "  service: { name: shop }\n  backends:\n    - plugin: otlp\n      required: true\n      config: { endpoint: \""+collector.Endpoint+"\" }\n")
	const items = 400
	work := engine.Node("work", func(ctx context.Context, n int) (int, error) {
		time.Sleep(20 * time.Millisecond)
		tel.Logger().InfoContext(ctx, "worked")
		return n, nil
	})
	p := engine.Define("steady", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, work, in, engine.WithConcurrency(4))
	})
	began := time.Now()
	if _, err := p.Run(t.Context(), make([]int, items), engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	ran := time.Now()
	st := tel.Stats()[0]
	err := tel.Shutdown(t.Context())
	requests, _, _ := collector.Requests()
	t.Logf("ran for %s, and shut down in %s; %d of %d events were delivered when it ended; %d exports of spans",
		ran.Sub(began).Round(time.Millisecond), time.Since(ran).Round(time.Millisecond), st.Delivered, st.Emitted, requests)
	if n, r := len(collector.AllSpans()), len(collector.Records()); err != nil || n != items+2 || r != items {
		t.Errorf("%d spans and %d records came, want %d and %d: %v", n, r, items+2, items, err)
	}
}
