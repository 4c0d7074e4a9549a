package telemetry

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/privacy"
)

// ranWith runs a pipeline with a callback and returns its spans by name.
func ranWith[I, O any](t *testing.T, e Exporters, p *engine.Pipeline[I, O], in I, cfg engine.Config) map[string]tracetest.SpanStub {
	t.Helper()
	exp := tracetest.NewInMemoryExporter()
	e.Spans = exp
	cb := NewCallback(e)
	cfg.Callbacks = append(cfg.Callbacks, cb)
	_, _ = p.Run(t.Context(), in, cfg)
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if cb.notes.any() {
		t.Errorf("%d notes are left", len(cb.notes.of))
	}
	spans := byName(t, exp.GetSpans())
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return spans
}

type login struct {
	User     string
	Password string
}

func TestCapture(t *testing.T) {
	check := engine.Node("check", func(_ context.Context, l login) (string, error) {
		if l.User == "" {
			return "", errors.New("nobody")
		}
		return "hello " + l.User, nil
	})
	inner := engine.Define("inner", func(g *engine.Graph, in engine.Value[login]) engine.Value[string] { return engine.Add(g, check, in) })
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]login]) engine.Value[[]string] {
		return engine.Map(g, inner, in, engine.ContinueOnError())
	})
	in := []login{{"ann", "hunter2"}, {}}
	for _, tc := range []struct {
		capture privacy.Capture
		want    map[string][2]any
	}{
		{privacy.Capture{}, map[string][2]any{}},
		{privacy.Capture{Inputs: true, Outputs: true}, map[string][2]any{
			"pipeline p":        {`[{"User":"ann","Password":"[redacted]"},{"User":"","Password":"[redacted]"}]`, `["hello ann",""]`},
			"map inner":         {`[{"User":"ann","Password":"[redacted]"},{"User":"","Password":"[redacted]"}]`, `["hello ann",""]`},
			"map_item inner[0]": {`{"User":"ann","Password":"[redacted]"}`, `"hello ann"`},
			"map_item inner[1]": {`{"User":"","Password":"[redacted]"}`, nil},
			"p/inner[0]":        {`{"User":"ann","Password":"[redacted]"}`, `"hello ann"`},
			"p/inner[1]":        {`{"User":"","Password":"[redacted]"}`, nil},
			"p/inner[0]/check":  {`{"User":"ann","Password":"[redacted]"}`, `"hello ann"`},
			"p/inner[1]/check":  {`{"User":"","Password":"[redacted]"}`, nil},
		}},
		{privacy.Capture{Inputs: true, Limit: 10}, map[string][2]any{
			"pipeline p":        {`[{"User...`, nil},
			"map inner":         {`[{"User...`, nil},
			"map_item inner[0]": {`{"User"...`, nil},
			"map_item inner[1]": {`{"User"...`, nil},
			"p/inner[0]":        {`{"User"...`, nil},
			"p/inner[1]":        {`{"User"...`, nil},
			"p/inner[0]/check":  {`{"User"...`, nil},
			"p/inner[1]/check":  {`{"User"...`, nil},
		}},
	} {
		spans := ranWith(t, Exporters{Capture: tc.capture}, p, in, engine.Config{})
		got := map[string][2]any{}
		for name, s := range spans {
			a := attrs(s)
			if a["spanloom.inputs"] != nil || a["spanloom.outputs"] != nil {
				got[name] = [2]any{a["spanloom.inputs"], a["spanloom.outputs"]}
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if len(spans) != 8 {
			t.Errorf("spans %v", slices.Sorted(maps.Keys(spans)))
		}
	}
}

func TestProduct(t *testing.T) {
	product := Product{Namespace: "shop", Name: "search", Version: "7", Mode: "prod"}
	want := map[string]any{
		"spanloom.namespace": "shop", "spanloom.product.name": "search", "spanloom.product.version": "7", "spanloom.mode": "prod", "team": "x",
	}
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp, Attributes: append(product.Attributes(), attribute.String("team", "x"))})
	daily(hooktest.Start(cb, hooktest.Config("daily")))
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cb.Shutdown(t.Context()) }()
	if n := len(exp.GetSpans()); n != 10 {
		t.Errorf("%d spans", n)
	}
	for _, s := range exp.GetSpans() {
		for k, v := range want {
			if got := attrs(s)[k]; got != v {
				t.Errorf("%s: %s is %v, want %v", s.Name, k, got, v)
			}
		}
	}
	if got := (Product{Mode: "dev"}).Attributes(); len(got) != 1 {
		t.Errorf("attributes %v", got)
	}
}
