package spanloom_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/baggage"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/propagation"
)

// TestWhatOpenTakesFromTheEnvironment: the trace, for each run without another; not
// the baggage, for which FromEnvironment is.
func TestWhatOpenTakesFromTheEnvironment(t *testing.T) {
	const outer = "0af7651916cd43dd8448eb211c80319c"
	t.Setenv("TRACEPARENT", "00-"+outer+"-b7ad6b7169203331-01")
	t.Setenv("BAGGAGE", "user=anna")
	tel := open(t, with(otlptest.Start(t, nil), ""))
	say := engine.Node("say", func(ctx context.Context, _ int) (string, error) {
		return callbacks.FromContext(ctx).TraceID().String() + " " + baggage.FromContext(ctx).String(), nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[string] { return engine.Add(g, say, n) })
	for want, ctx := range map[string]context.Context{
		outer + " ":          t.Context(),
		outer + " user=anna": propagation.FromEnvironment(t.Context()),
	} {
		if got, err := p.Run(ctx, 1, engine.Config{Callbacks: tel.Callbacks()}); got != want || err != nil {
			t.Errorf("the node has %q, %v; want %q", got, err, want)
		}
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
