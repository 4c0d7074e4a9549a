package spanloom_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/propagation"
)

// TestTwoInOneRun: the backends of both have the run, with the same ids; the first
// says whether it is sampled, and makes the spans of node code.
func TestTwoInOneRun(t *testing.T) {
	a, b := otlptest.Start(t, nil), otlptest.Start(t, nil)
	first := open(t, with(a, "  propagation: { trust_incoming: true, baggage: [tenant.id] }\n"))
	second := open(t, with(b, "  sampling: { ratio: 0 }\n  propagation: { trust_incoming: true, baggage: [user, tenant.id] }\n"))
	p := engine.Define("both", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("one", func(ctx context.Context, n int) (int, error) {
			_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("test").Start(ctx, "query")
			span.End()
			return n, nil
		}), in)
	})
	ctx := propagation.Extract(t.Context(), propagation.Map{"baggage": "tenant.id=acme,user=anna"})
	if _, err := p.Run(ctx, 1, engine.Config{Callbacks: append(first.Callbacks(), second.Callbacks()...)}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Flush(t.Context()), second.Flush(t.Context()), first.Shutdown(t.Context()), second.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	ofFirst, ofSecond := a.Spans(), b.Spans()
	if len(ofFirst) != 3 || len(ofSecond) != 2 || ofFirst["query"] == nil {
		t.Fatalf("%d and %d spans, want 3 and 2", len(ofFirst), len(ofSecond))
	}
	for name, s := range ofSecond {
		if got, want := hex.EncodeToString(ofFirst[name].GetSpanId()), hex.EncodeToString(s.GetSpanId()); got != want {
			t.Errorf("%s is %s for the one, and %s for the other", name, got, want)
		}
	}
	for _, spans := range []*otlptest.Collector{a, b} {
		if s := spans.Spans()["pipeline both"]; valueOf(s, "tenant.id") != "acme" {
			t.Errorf("%v", s.GetAttributes())
		}
	}
	if s := ofSecond["pipeline both"]; valueOf(s, "user") != "anna" {
		t.Errorf("%v", s.GetAttributes())
	}
}

// TestAfterShutdown: what comes too late is counted.
func TestAfterShutdown(t *testing.T) {
	tel := open(t, with(otlptest.Start(t, nil), ""))
	_, late := tel.TracerProvider().Tracer("test").Start(t.Context(), "late")
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	late.End()
	if _, err := double.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	if n := tel.ProgramStats().Spans.AfterShutdown; n != 1 {
		t.Errorf("%d spans, want the one that ended too late", n)
	}
	if s := tel.Stats()[0]; s.Dropped["after_shutdown"] != 4 || s.Emitted != s.Delivered+s.Lost() {
		t.Errorf("%+v, want the 4 events of a run", s)
	}
}
