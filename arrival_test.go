package spanloom_test

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	otelattribute "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/propagation"
)

// arrival is a request, with baggage and a trace that is sampled.
var arrival = propagation.Map{
	"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	"tracestate":  "vendor=1",
	"baggage":     "tenant.id=acme,user=anna,password=hunter2,spanloom.namespace=theirs",
}

// asked runs a pipeline that a request has led to: a node makes a span, and runs
// another pipeline.
func asked(t *testing.T, tel *spanloom.Telemetry, fail error) {
	t.Helper()
	inner := engine.Define("inner", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("leaf", func(context.Context, int) (int, error) { return 0, fail }), in)
	})
	outer := engine.Define("outer", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("start", func(ctx context.Context, n int) (int, error) {
			tracer := trace.SpanFromContext(ctx).TracerProvider().Tracer("test")
			_, given := tracer.Start(ctx, "given", trace.WithAttributes(otelattribute.String("tenant.id", "of the code")))
			given.End()
			_, span := tracer.Start(ctx, "query")
			span.End()
			return inner.Run(ctx, n, engine.Config{Callbacks: tel.Callbacks()})
		}), in)
	})
	ctx := tel.Propagation().Receive(t.Context(), arrival)
	if _, err := outer.Run(ctx, 1, engine.Config{Callbacks: tel.Callbacks()}); (err != nil) != (fail != nil) {
		t.Fatal(err)
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func valueOf(s *tracepb.Span, key string) string { return attribute(s.GetAttributes(), key) }

// callers returns the links of a span to the caller.
func callers(s *tracepb.Span) (list []*tracepb.Span_Link) {
	for _, l := range s.GetLinks() {
		if hex.EncodeToString(l.GetTraceId()) == "0af7651916cd43dd8448eb211c80319c" && hex.EncodeToString(l.GetSpanId()) == "b7ad6b7169203331" {
			list = append(list, l)
		}
	}
	return list
}

// TestBaggageOfATrustedCaller: the members that the manifest names stand on the span
// of the run and of the runs in it, and on the spans of code, and no others do.
func TestBaggageOfATrustedCaller(t *testing.T) {
	collector := otlptest.Start(t, nil)
	asked(t, open(t, with(collector, "  service: { name: orders, namespace: shop }\n"+
		"  propagation: { trust_incoming: true, baggage: [tenant.id, password, spanloom.namespace] }\n")), nil)
	spans := collector.Spans()
	for name, want := range map[string]string{"pipeline outer": "acme", "pipeline inner": "acme", "query": "acme", "given": "of the code", "node start": "", "node leaf": ""} {
		s := spans[name]
		if s == nil {
			t.Fatalf("%s is missing", name)
		}
		if got := valueOf(s, "tenant.id"); got != want {
			t.Errorf("%s: tenant.id is %q, want %q", name, got, want)
		}
		if hex.EncodeToString(s.GetTraceId()) != "0af7651916cd43dd8448eb211c80319c" || len(callers(s)) > 0 {
			t.Errorf("%s is not part of the caller's trace, or has a link to it: %v", name, s)
		}
		if got := valueOf(s, "spanloom.namespace"); got != "shop" && want != "" {
			t.Errorf("%s is of the namespace %q, not the manifest's", name, got)
		}
		for _, kv := range s.GetAttributes() {
			if kv.GetKey() == "user" || kv.GetValue().GetStringValue() == "hunter2" {
				t.Errorf("%s has %v", name, kv)
			}
		}
	}
}

// TestLinkToACallerWhoIsNotTrusted: the run is a new root whose span has a link to
// the span that the caller named. Nothing else of the caller is in it.
func TestLinkToACallerWhoIsNotTrusted(t *testing.T) {
	for _, c := range []struct {
		name, more string
		fail       error
	}{
		{"sampled", "  propagation: { baggage: [tenant.id] }\n", nil},
		{"in traces of their own", "  trace: { mode: linked }\n", nil},
		{"kept", "  sampling: { ratio: 0, keep: [failed] }\n", errDeclined},
	} {
		t.Run(c.name, func(t *testing.T) {
			collector := otlptest.Start(t, nil)
			asked(t, open(t, with(collector, c.more)), c.fail)
			spans := collector.Spans()
			if spans["pipeline outer"] == nil || spans["pipeline inner"] == nil {
				t.Fatalf("of the spans there are %d", len(spans))
			}
			for name, s := range spans {
				links := callers(s)
				if want := map[bool]int{true: 1}[name == "pipeline outer"]; len(links) != want {
					t.Errorf("%s has %d links to the caller, want %d", name, len(links), want)
				}
				for _, l := range links {
					if l.GetTraceState() != "" || l.GetFlags()&1 != 0 {
						t.Errorf("the link has what a stranger said: %v", l)
					}
				}
				if hex.EncodeToString(s.GetTraceId()) == "0af7651916cd43dd8448eb211c80319c" || valueOf(s, "tenant.id") == "acme" {
					t.Errorf("%s is the caller's: %v", name, s)
				}
			}
		})
	}
}

// TestBaggageIsRedacted: what the manifest takes for a secret stays one, also where a
// member of baggage has its name.
func TestBaggageIsRedacted(t *testing.T) {
	collector := otlptest.Start(t, nil)
	asked(t, open(t, with(collector, "  propagation: { trust_incoming: true, baggage: [password] }\n")), nil)
	s := collector.Spans()["pipeline outer"]
	if i := slices.IndexFunc(s.GetAttributes(), func(kv *commonpb.KeyValue) bool { return kv.GetKey() == "password" }); i < 0 || strings.Contains(s.GetAttributes()[i].String(), "hunter2") {
		t.Errorf("%v", s.GetAttributes())
	}
}
