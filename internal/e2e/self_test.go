//go:build unix

package e2e

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/internal/jaegertest"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// variables are what may stand in the environment of a program, and would make
// others tell of their own connections.
func variables(endpoint string) []string {
	return []string{
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp", "OTEL_LOGS_EXPORTER=otlp",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint, "OTEL_EXPORTER_OTLP_INSECURE=true",
		"OTEL_TRACES_SAMPLER=always_on", "OTEL_PROPAGATORS=tracecontext,baggage",
		"OTEL_METRIC_EXPORT_INTERVAL=100", "OTEL_BSP_SCHEDULE_DELAY=10",
	}
}

// TestNothingTellsOfItself runs a program that has set all of OpenTelemetry's
// globals, to providers of its own or to ours, and has a default HTTP transport
// that makes spans: no backend gets anything but what runs and nodes say, and the
// program's own providers get nothing. That OpenTelemetry's SDK tells of itself can be
// asked for by a variable; it then tells the global provider, and ours does not listen.
func TestNothingTellsOfItself(t *testing.T) {
	for name, env := range map[string][]string{
		"own globals":              nil,
		"our globals":              nil,
		"own globals, by variable": variables(""),
		"our globals, by variable": variables(""),
		"our globals, observed":    variables(""),
	} {
		t.Run(name, func(t *testing.T) {
			if env != nil {
				env = variables("http://127.0.0.1:1") // the manifest says another
			}
			if strings.HasSuffix(name, "observed") {
				env = append(env, "OTEL_GO_X_OBSERVABILITY=true")
			}
			if out, parent := otlptest.Alone(t, env...); parent {
				t.Log(out)
				return
			}
			tellsNothing(t, strings.HasPrefix(name, "our"))
		})
	}
}

func tellsNothing(t *testing.T, ours bool) {
	t.Helper()
	behind := otlptest.Start(t, nil)
	collector := jaegertest.StartCollector(t, behind.Endpoint)
	spans, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	var calls atomic.Int64
	plain := http.DefaultTransport
	http.DefaultTransport = transport(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		_, span := otel.Tracer("net/http").Start(r.Context(), "HTTP "+r.Method)
		defer span.End()
		return plain.RoundTrip(r)
	})
	defer func() { http.DefaultTransport = plain }()
	if !ours { // before anything else, as programs do
		otel.SetTracerProvider(tracers)
		otel.SetMeterProvider(meters)
	}
	otel.SetTextMapPropagator(propagation.TraceContext{})

	for _, c := range []string{ // over gRPC, and over HTTP
		`{ batch: low_latency, endpoint: "` + collector.OTLPEndpoint() + `" }`,
		`{ endpoint: "` + collector.OTLPHTTPEndpoint() + `", protocol: http/protobuf, batch: low_latency }`,
	} {
		tel := open(t, "  service: { name: shop }\n  shutdown_timeout: 30s\n  backends:\n    - plugin: otlp\n      config: "+c+"\n")
		if ours {
			setGlobals(tel)
		}
		s := newShop(t, tel)
		before := len(behind.AllSpans())
		s.open(t)
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := s.said(t)
		await(t, func() string {
			got := inOTLP(t, behind.Resources())
			maps.DeleteFunc(got, func(_ string, one span) bool { return !slices.Contains(traces(s.hooks.Events()), one.Trace) })
			return cmp.Diff(want, got)
		})
		if n := len(behind.AllSpans()) - before; n != len(want) {
			t.Errorf("%d spans came, want the %d of runs and nodes", n, len(want))
		}
	}
	for name := range behind.Metrics() {
		if !slices.ContainsFunc([]string{"spanloom.", "shop.", "go.", "process."}, func(p string) bool { return strings.HasPrefix(name, p) }) {
			t.Errorf("metric %s came, which is of neither runs, the shop nor the process", name)
		}
	}
	for _, r := range behind.Records() {
		if len(r.GetTraceId()) == 0 {
			t.Errorf("a record of no run came: %v", r)
		}
	}
	if n := calls.Load(); n > 0 {
		t.Errorf("the program's HTTP transport was used %d times", n)
	}
	if got := spans.GetSpans(); len(got) > 0 {
		t.Errorf("the program's provider got %d spans: %s", len(got), got[0].Name)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Error(err)
	}
	for _, scope := range data.ScopeMetrics {
		t.Errorf("the program's provider got metrics of %s: %s", scope.Scope.Name, scope.Metrics[0].Name)
	}
}

// setGlobals does what a program may do: no package of ours sets any. The
// propagator stays.
func setGlobals(tel *spanloom.Telemetry) {
	otel.SetTracerProvider(tel.TracerProvider())
	otel.SetMeterProvider(tel.MeterProvider())
	otel.SetLoggerProvider(tel.LoggerProvider())
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
