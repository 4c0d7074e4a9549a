package spanloom_test

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/metrics"
)

// open opens telemetry with a manifest.
func open(t *testing.T, text string) *spanloom.Telemetry {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

// TestWhatNodeCodeMakesArrives has a node that makes a span, a metric and a log
// record, each in the way of its library: they arrive at the backend of the run, in
// its trace, and the metrics of runs say what the hooks said.
func TestWhatNodeCodeMakesArrives(t *testing.T) {
	collector := otlptest.Start(t, nil)
	before := otel.GetTracerProvider()
	tel := open(t, "version: \"1\"\ntelemetry:\n  service: { name: shop }\n  backends:\n"+
		"    - plugin: otlp\n      config: { endpoint: \""+collector.Endpoint+"\" }\n")

	const items = 25
	price := engine.Node("price", func(ctx context.Context, n int) (int, error) {
		// The span in the context knows the provider: code needs no other.
		_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("shop").Start(ctx, "look up")
		defer span.End()
		counter, err := metrics.FromContext(ctx).Counter("shop.prices", "{price}")
		if err != nil {
			return 0, err
		}
		counter.Add(ctx, 1)
		if n == items-1 { // it is a line of standard error too
			tel.Logger().InfoContext(ctx, "priced", slog.Int("n", n))
		}
		return 2 * n, nil
	})
	p := engine.Define("daily", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, price, in)
	})
	in := make([]int, items)
	in[7] = items - 1
	if _, err := p.Run(t.Context(), in, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}

	steps := map[string]string{} // span id -> trace id
	lookups := 0
	for _, s := range collector.AllSpans() {
		if s.GetName() == "map_item price" {
			steps[hex.EncodeToString(s.GetSpanId())] = hex.EncodeToString(s.GetTraceId())
		}
	}
	for _, s := range collector.AllSpans() {
		if s.GetName() == "look up" && steps[hex.EncodeToString(s.GetParentSpanId())] == hex.EncodeToString(s.GetTraceId()) {
			lookups++
		}
	}
	if len(steps) != items || lookups != items {
		t.Errorf("%d items and %d spans inside them, want %d of each", len(steps), lookups, items)
	}
	records := 0
	for _, r := range collector.Records() {
		if r.GetBody().GetStringValue() == "priced" && steps[hex.EncodeToString(r.GetSpanId())] == hex.EncodeToString(r.GetTraceId()) {
			records++
		}
	}
	if records != 1 {
		t.Errorf("%d records stand in their items, want 1", records)
	}
	all := collector.Metrics()
	if got := all["shop.prices"].GetSum().GetDataPoints(); len(got) != 1 || got[0].GetAsDouble() != items {
		t.Errorf("shop.prices: %v", got)
	}
	durations := all["spanloom.map.item.duration"].GetHistogram().GetDataPoints()
	if len(durations) != 1 || durations[0].GetCount() != items || attribute(durations[0].GetAttributes(), "spanloom.node.name") != "price" {
		t.Errorf("spanloom.map.item.duration: %v", durations)
	}
	if all["go.goroutine.count"] == nil || all["process.cpu.time"] == nil && all["process.memory.usage"] == nil {
		t.Error("nothing is said of the process")
	}
	if otel.GetTracerProvider() != before {
		t.Error("a global of OpenTelemetry was set")
	}
}

func attribute(list []*commonpb.KeyValue, key string) string {
	for _, kv := range list {
		if kv.GetKey() == key {
			return kv.GetValue().GetStringValue()
		}
	}
	return ""
}

// TestProvidersWithoutBackends: node code may use them whatever the manifest says.
func TestProvidersWithoutBackends(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	tel, err := spanloom.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.TracerProvider().Tracer("x").Start(t.Context(), "x")
	span.End()
	if _, err := tel.MeterProvider().Meter("x").Int64Counter("x"); err != nil || span.IsRecording() {
		t.Error(err, span.IsRecording())
	}
	tel.LoggerProvider().Logger("x")
	if tel.Logger() == nil || len(tel.Callbacks()) != 0 {
		t.Error("no logger, or callbacks for nobody")
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
