package spanloom_test

import (
	"context"
	"testing"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/propagation"
)

// TestNamespaceLeavesWithCalls: what node code calls is told the namespace of the
// manifest, without code for it.
func TestNamespaceLeavesWithCalls(t *testing.T) {
	tel := open(t, "version: \"1\"\ntelemetry:\n  service: { name: orders, namespace: shop }\n  logs: { level: error }\n")
	p := engine.Define("daily", func(g *engine.Graph, in engine.Value[int]) engine.Value[string] {
		return engine.Add(g, engine.Node("call", func(ctx context.Context, _ int) (string, error) {
			headers := propagation.Map{}
			propagation.Inject(ctx, headers)
			return headers["baggage"], nil
		}), in)
	})
	got, err := p.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()})
	if err != nil || got != "spanloom.namespace=shop" {
		t.Errorf("the call has baggage %q, %v", got, err)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
