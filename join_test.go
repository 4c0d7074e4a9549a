package spanloom_test

import (
	"context"
	"errors"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestAProgramsProviderIsJoined has a program with a provider of its own: node code
// finds it, its spans go to its exporter and to the backends, and it outlives the
// telemetry.
func TestAProgramsProviderIsJoined(t *testing.T) {
	collector := otlptest.Start(t, nil)
	kept := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	tel, err := spanloom.Open(t.Context(), spanloom.WithEmbeddedManifest([]byte(with(collector, "  service: { name: shop, product: p }\n"))),
		spanloom.WithProviders(spanloom.Providers{Tracer: provider}))
	if err != nil {
		t.Fatal(err)
	}
	p := engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("fetch", func(ctx context.Context, n int) (int, error) {
			_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("shop").Start(ctx, "look up")
			span.End()
			return n, nil
		}), n)
	})
	if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	node, inside := collector.Spans()["node fetch"], collector.Spans()["look up"]
	if node == nil || inside == nil || string(inside.GetParentSpanId()) != string(node.GetSpanId()) ||
		attribute(inside.GetAttributes(), "spanloom.product.name") != "p" {
		t.Errorf("the backends got %v and %v", node, inside)
	}
	if got := kept.GetSpans(); len(got) != 1 || got[0].Name != "look up" {
		t.Errorf("the program's exporter got %v", got)
	}
	_, after := provider.Tracer("shop").Start(t.Context(), "after")
	after.End()
	if got := kept.GetSpans(); len(got) != 2 {
		t.Error("the program's provider has ended with the telemetry")
	}
}
