package spanloom_test

import (
	"context"
	"errors"
	"testing"

	lognoop "go.opentelemetry.io/otel/log/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/metrics"
)

// TestAProgramsMeterAndLoggerAreFound has a program with providers of its own: node
// code measures with them, and the backends have the metrics of runs and not those
// of its code.
func TestAProgramsMeterAndLoggerAreFound(t *testing.T) {
	collector := otlptest.Start(t, nil)
	reader := sdkmetric.NewManualReader()
	given := spanloom.Providers{
		Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), Logger: lognoop.NewLoggerProvider(),
	}
	tel, err := spanloom.Open(t.Context(), spanloom.WithEmbeddedManifest([]byte(with(collector, ""))), spanloom.WithProviders(given))
	if err != nil {
		t.Fatal(err)
	}
	if tel.MeterProvider() != given.Meter || tel.LoggerProvider() != given.Logger {
		t.Error("others are found")
	}
	p := engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("count", func(ctx context.Context, n int) (int, error) {
			c, err := metrics.FromContext(ctx).Counter("shop.counted", "{thing}")
			c.Add(ctx, 1)
			return n, err
		}), n)
	})
	if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	var own metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &own); err != nil {
		t.Fatal(err)
	}
	if len(own.ScopeMetrics) != 1 || own.ScopeMetrics[0].Metrics[0].Name != "shop.counted" {
		t.Errorf("the program's reader has %+v", own.ScopeMetrics)
	}
	all := collector.Metrics()
	if all["shop.counted"] != nil || all["spanloom.node.duration"] == nil {
		t.Errorf("the collector has %d metrics, and of them the program's: %v", len(all), all["shop.counted"])
	}
}
