package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/telemetry"
)

// kept holds spans beyond the shutdown of the exporter.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

// TestBackend: a callback that is fed by the protocol makes the same spans as one in
// the process of the run.
func TestBackend(t *testing.T) {
	here, there := kept{tracetest.NewInMemoryExporter()}, kept{tracetest.NewInMemoryExporter()}
	values := privacy.Capture{Inputs: true, Outputs: true, Limit: 80}
	product := telemetry.Product{Namespace: "shop", Mode: "dev"}.Attributes()
	for _, ratio := range []float64{0, 1} { // kept, as it fails, and sampled
		cb := telemetry.NewCallback(telemetry.Exporters{Spans: here, Capture: values, Attributes: product, Fanout: telemetry.Fanout{Max: 4, Ratio: 0.9}, Keep: telemetry.Keep{Failed: true}})
		host := pluginhost.Start(pluginhost.Spec{
			Name: "spans", Capture: values, Unsampled: true,
			Tracing: backend.Tracing{MaxPerMap: 4, ItemRatio: 0.9, KeepFailed: true, KeepSlow: time.Hour},
			Service: backend.Service{Attributes: map[string]string{"spanloom.namespace": "shop", "spanloom.mode": "dev", "team": "x"}},
			Launch: pluginhost.InProcess(backend.Backend{Name: "spans", Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
				return backend.FromExporters(c, backend.Exporters{Spans: there})
			}}),
		})
		_ = telemetry.RunWhole(t.Context(), engine.Config{Callbacks: []callbacks.PipelineCallback{telemetry.Sampler{Ratio: ratio}, cb, host}})
		if err := errors.Join(host.Shutdown(t.Context()), cb.Shutdown(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	want, got := flat(here.GetSpans()), flat(there.GetSpans())
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 50 {
		t.Errorf("%d spans here; (-here +there)\n%s", len(want), diff)
	}
}

// TestLinked: a run that a node starts has a trace of its own, and links lead to
// it and back, in the process of the run and behind the protocol.
func TestLinked(t *testing.T) {
	here, there := kept{tracetest.NewInMemoryExporter()}, kept{tracetest.NewInMemoryExporter()}
	cb := telemetry.NewCallback(telemetry.Exporters{Spans: here})
	host := pluginhost.Start(pluginhost.Spec{
		Name: "spans",
		Launch: pluginhost.InProcess(backend.Backend{Name: "spans", Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
			return backend.FromExporters(c, backend.Exporters{Spans: there})
		}}),
	})
	cfg := engine.Config{Callbacks: []callbacks.PipelineCallback{telemetry.Sampler{Ratio: 1, Linked: true}, cb, host}}
	inc := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, inc, n) })
	tries := 0
	outer := engine.Define("outer", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("start", func(ctx context.Context, n int) (int, error) {
			if tries++; tries == 1 {
				return 0, errors.New("busy")
			}
			return inner.Run(ctx, n, cfg)
		}, engine.WithRetry(engine.Retry{Attempts: 2})), engine.Add(g, inner, n)) // which is nested
	})
	if _, err := outer.Run(t.Context(), 1, cfg); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(host.Shutdown(t.Context()), cb.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat(here.GetSpans()), flat(there.GetSpans())); diff != "" {
		t.Errorf("(-here +there)\n%s", diff)
	}
	traces := map[string][]string{}
	links := map[string]string{}
	for _, s := range here.GetSpans() {
		id := s.SpanContext.TraceID().String()
		traces[id] = append(traces[id], s.Name)
		for _, l := range s.Links {
			links[s.SpanContext.SpanID().String()] = l.SpanContext.SpanID().String()
		}
	}
	if len(traces) != 2 || len(links) != 2 {
		t.Errorf("traces %v, links %v", traces, links)
	}
	for _, s := range here.GetSpans() {
		if to, ok := links[s.SpanContext.SpanID().String()]; ok && links[to] != s.SpanContext.SpanID().String() {
			t.Errorf("%s links to %s, which does not link back: %v", s.Name, to, links)
		}
	}
	if cb.NotesLeft() {
		t.Error("notes are left")
	}
}

// flat writes each span as one text.
func flat(list tracetest.SpanStubs) []string {
	var texts []string
	for _, s := range list {
		var b strings.Builder
		fmt.Fprintln(&b, s.Name, s.SpanContext.SpanID(), s.SpanContext.IsSampled(), s.Parent.SpanID(), s.SpanKind, s.Status, s.StartTime.UnixNano(), s.EndTime.Sub(s.StartTime))
		telemetry.Write(&b, " ", s.Attributes)
		for _, l := range s.Links {
			fmt.Fprintln(&b, "link to", l.SpanContext.TraceID(), l.SpanContext.SpanID(), l.SpanContext.IsSampled(), l.SpanContext.TraceState(), l.DroppedAttributeCount)
			telemetry.Write(&b, "  ", l.Attributes)
		}
		for _, e := range s.Events {
			fmt.Fprintln(&b, e.Name, e.DroppedAttributeCount)
			telemetry.Write(&b, "  ", e.Attributes)
		}
		fmt.Fprintln(&b, "dropped", s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks)
		texts = append(texts, b.String())
	}
	slices.Sort(texts)
	return texts
}
