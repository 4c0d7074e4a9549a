package telemetry_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/jaegertest"
	"github.com/spanloom/spanloom/pluginhost"
	"github.com/spanloom/spanloom/plugins/jaeger"
	"github.com/spanloom/spanloom/plugins/otlp"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/telemetry"
)

// stored is what a span says, here and in Jaeger.
type stored struct {
	Name, Parent, Kind, Status string
	Start, End                 int64
	Attributes                 map[string]any
	Events                     []string
}

func attributes(list []attribute.KeyValue) map[string]any {
	m := map[string]any{}
	for _, kv := range list {
		if list, ok := kv.Value.AsInterface().([]string); ok { // whose elements have no type of their own in Jaeger
			m[string(kv.Key)] = slices.Collect(func(yield func(any) bool) {
				for _, e := range list {
					if !yield(e) {
						return
					}
				}
			})
			continue
		}
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

// TestInJaeger: all that spans say is what a real Jaeger has, by each backend that
// it takes spans from.
func TestInJaeger(t *testing.T) {
	server := jaegertest.Start(t)
	for _, plugin := range []backend.Backend{jaeger.New(), otlp.New()} {
		t.Run(plugin.Name, func(t *testing.T) {
			exp := tracetest.NewInMemoryExporter()
			values := privacy.Capture{Inputs: true, Outputs: true}
			here := telemetry.NewCallback(telemetry.Exporters{
				Spans: exp, Capture: values, Fanout: telemetry.Fanout{Max: 5},
				Attributes: telemetry.Product{Name: "shop", Mode: "prod"}.Attributes(),
			})
			host := pluginhost.Start(pluginhost.Spec{
				Name: plugin.Name, Launch: pluginhost.InProcess(plugin), Capture: values,
				Config:  fmt.Appendf(nil, `{"endpoint":%q}`, server.OTLPEndpoint()),
				Tracing: backend.Tracing{MaxPerMap: 5},
				Service: backend.Service{Name: "shop", Attributes: map[string]string{"spanloom.product.name": "shop", "spanloom.mode": "prod"}},
			})
			if err := telemetry.RunWhole(t.Context(), engine.Config{
				Callbacks: []callbacks.PipelineCallback{telemetry.Sampler{Ratio: 1}, here, host},
			}); err == nil {
				t.Error("no item has failed")
			}
			if err := errors.Join(host.Shutdown(t.Context()), here.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			want, got := map[string]stored{}, map[string]stored{}
			traceID := ""
			for _, s := range exp.GetSpans() {
				one := stored{
					s.Name, s.Parent.SpanID().String(), s.SpanKind.String(), s.Status.Code.String() + s.Status.Description,
					s.StartTime.UnixNano(), s.EndTime.UnixNano(), attributes(s.Attributes), nil,
				}
				if !s.Parent.SpanID().IsValid() {
					one.Parent, traceID = "", s.SpanContext.TraceID().String()
				}
				for _, e := range s.Events {
					one.Events = append(one.Events, fmt.Sprint(e.Name, attributes(e.Attributes)))
				}
				want[s.SpanContext.SpanID().String()] = one
			}
			for _, s := range server.WaitTrace(t, traceID, len(want)) {
				one := stored{
					s.Name, s.ParentSpanID, s.Kind.String(), s.StatusCode.String() + s.StatusMessage,
					s.Start.UnixNano(), s.End.UnixNano(), s.Attributes, nil,
				}
				for _, e := range s.Events {
					one.Events = append(one.Events, fmt.Sprint(e.Name, e.Attributes))
				}
				got[s.SpanID] = one
			}
			if diff := cmp.Diff(want, got); diff != "" || len(want) < 30 {
				t.Errorf("%d spans; the callback (-) and Jaeger (+) differ:\n%s", len(want), diff)
			}
			if err := here.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
