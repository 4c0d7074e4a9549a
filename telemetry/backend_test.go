package telemetry

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
)

// instance is a callback as the instance of a backend.
type instance struct{ *Callback }

func (i instance) Close(ctx context.Context) error { return i.Shutdown(ctx) }

// kept holds spans beyond the shutdown of the exporter.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

// TestBackend: a callback that is fed by the protocol makes the same spans as one in
// the process of the run.
func TestBackend(t *testing.T) {
	here, there := kept{tracetest.NewInMemoryExporter()}, kept{tracetest.NewInMemoryExporter()}
	values := privacy.Capture{Inputs: true, Outputs: true, Limit: 80}
	product := Product{Namespace: "shop", Mode: "dev"}.Attributes()
	for _, ratio := range []float64{0, 1} { // kept, as it fails, and sampled
		cb := NewCallback(Exporters{Spans: here, Capture: values, Attributes: product, Fanout: Fanout{Max: 4, Ratio: 0.9}, Keep: Keep{Failed: true}})
		host := pluginhost.Start(pluginhost.Spec{
			Name: "spans", Capture: values, Unsampled: true,
			Tracing: backend.Tracing{MaxPerMap: 4, ItemRatio: 0.9, KeepFailed: true, KeepSlow: time.Hour},
			Service: backend.Service{Attributes: map[string]string{"spanloom.namespace": "shop", "spanloom.mode": "dev", "team": "x"}},
			Launch: pluginhost.InProcess(backend.Backend{Name: "spans", Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
				return instance{NewCallback(Exporters{
					Spans: there, Attributes: ProductOf(c.Service.Attributes),
					Fanout:  Fanout{Items: MapItems(c.Tracing.MapItems), Max: c.Tracing.MaxPerMap, Ratio: c.Tracing.ItemRatio},
					Keep:    Keep{Failed: c.Tracing.KeepFailed, Slow: c.Tracing.KeepSlow},
					Capture: privacy.Capture{Inputs: true, Outputs: true}, // what the host has captured
				})}, nil
			}}),
		})
		in := order{Customer: "ann", Token: "ghp_0123456789", Lines: []int{1, 2, 3, 4, 5, 6}}
		_, _ = whole().Run(t.Context(), in, engine.Config{
			Cache: &shelf{}, Callbacks: []callbacks.PipelineCallback{Sampler{Ratio: ratio}, cb, host},
		})
		if err := errors.Join(host.Shutdown(t.Context()), cb.Shutdown(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	want, got := flat(here.GetSpans()), flat(there.GetSpans())
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 60 {
		t.Errorf("%d spans here; (-here +there)\n%s", len(want), diff)
	}
}

// flat writes each span as one text.
func flat(list tracetest.SpanStubs) []string {
	var texts []string
	for _, s := range list {
		var b strings.Builder
		fmt.Fprintln(&b, s.Name, s.SpanContext.SpanID(), s.SpanContext.IsSampled(), s.Parent.SpanID(), s.SpanKind, s.Status, s.StartTime.UnixNano(), s.EndTime.Sub(s.StartTime))
		write(&b, " ", s.Attributes)
		for _, e := range s.Events {
			fmt.Fprintln(&b, e.Name)
			write(&b, "  ", e.Attributes)
		}
		texts = append(texts, b.String())
	}
	slices.Sort(texts)
	return texts
}
