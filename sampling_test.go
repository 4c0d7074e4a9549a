package spanloom_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	attributes "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
)

var errDeclined = errors.New("declined")

// pay is a pipeline that fails when it is told to.
var pay = engine.Define("pay", func(g *engine.Graph, in engine.Value[bool]) engine.Value[bool] {
	return engine.Add(g, engine.Node("charge", func(_ context.Context, fail bool) (bool, error) {
		if fail {
			return false, errDeclined
		}
		return true, nil
	}), in)
})

func with(collector *otlptest.Collector, more string) string {
	return "version: \"1\"\ntelemetry:\n" + more + "  backends:\n    - plugin: otlp\n      config: { endpoint: \"" + collector.Endpoint + "\" }\n"
}

// TestSamplingAndKeep samples no run, and keeps those that fail: there are spans of
// one run, and metrics of all.
func TestSamplingAndKeep(t *testing.T) {
	collector := otlptest.Start(t, nil)
	tel := open(t, with(collector, "  sampling: { ratio: 0, keep: [failed] }\n"))
	for i := range 20 {
		_, err := pay.Run(t.Context(), i == 7, engine.Config{Callbacks: tel.Callbacks()})
		if (err != nil) != (i == 7) {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	spans := collector.AllSpans()
	if len(spans) != 2 {
		t.Errorf("%d spans, want those of one run", len(spans))
	}
	for _, s := range spans {
		if strings.HasPrefix(s.GetName(), "pipeline ") && attribute(s.GetAttributes(), "spanloom.sampling.kept") != "failed" {
			t.Errorf("%s does not say why it is kept: %v", s.GetName(), s.GetAttributes())
		}
	}
	runs := uint64(0)
	for _, p := range collector.Metrics()["spanloom.pipeline.run.duration"].GetHistogram().GetDataPoints() {
		runs += p.GetCount()
	}
	if runs != 20 {
		t.Errorf("the metrics tell of %d runs", runs)
	}
}

// tell says secrets with the tracer, the meter and the logger that node code has of
// Spanloom, in each of their ways.
func tell(ctx context.Context, tel *spanloom.Telemetry, canary string) {
	secrets := []attributes.KeyValue{
		attributes.String("db.password", canary), attributes.String("note", "see "+canary), attributes.StringSlice("notes", []string{"a", canary}),
		attributes.String("authorization", "Bearer "+hex.EncodeToString([]byte(canary))),
	}
	_, span := tel.TracerProvider().Tracer("shop").Start(ctx, "asked the bank", trace.WithAttributes(secrets...),
		trace.WithLinks(trace.Link{SpanContext: trace.SpanContextFromContext(ctx), Attributes: secrets}))
	span.AddEvent("said "+canary, trace.WithAttributes(secrets...))
	span.RecordError(fmt.Errorf("POST https://bank?key=%s: declined", canary))
	span.SetStatus(codes.Error, "Authorization: Bearer "+canary)
	defer span.End()
	meter := tel.MeterProvider().Meter("shop")
	asked, _ := meter.Int64Counter("shop.asked")
	took, _ := meter.Float64Histogram("shop.took")
	for i := range 3 {
		labels := metric.WithAttributes(attributes.String("token", fmt.Sprint(canary, i)), attributes.String("city", "Bonn"))
		asked.Add(ctx, 1, labels)
		took.Record(ctx, 1, labels)
	}
	_, _ = meter.Int64ObservableGauge("shop.left", metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(1, metric.WithAttributes(secrets...))
		return nil
	}))
	logger := otelslog.NewLogger("shop", otelslog.WithLoggerProvider(tel.LoggerProvider()))
	logger.ErrorContext(ctx, "answer of the bank", "text", canary, "api_key", canary, slog.Group("inner", "note", canary, "bytes", []byte(canary)))
	var r log.Record
	r.SetEventName("asked by hand")
	r.SetSeverityText(canary)
	r.SetBody(attributes.MapValue(attributes.String("password", canary), attributes.StringSlice("list", []string{canary})))
	tel.LoggerProvider().Logger("shop").Emit(ctx, r)
}

// TestNoSecretLeaves puts a secret everywhere that node code can, and looks for it
// in all that the collector gets.
func TestNoSecretLeaves(t *testing.T) {
	const canary = "c4n4ry-7f3a9b51e2d0"
	t.Setenv("PAY_KEY", canary)
	collector := otlptest.Start(t, nil)
	text := with(collector, "  capture: { inputs: true, outputs: true, redact: [\"*iban*\"] }\n")
	tel := open(t, strings.Replace(text, "config: { ", "config: { headers: { x-key: \"${env:PAY_KEY}\" }, ", 1))
	type order struct {
		Customer string
		Password string
		IBAN     string
		Note     string
	}
	p := engine.Define("pay", func(g *engine.Graph, in engine.Value[order]) engine.Value[order] {
		echo := engine.Add(g, engine.Node("echo", func(ctx context.Context, o order) (order, error) {
			tel.Logger().InfoContext(ctx, "key "+canary, "api_key", canary, "note", canary)
			tell(ctx, tel, canary)
			return o, nil
		}), in)
		return engine.Add(g, engine.Node("charge", func(context.Context, order) (order, error) {
			return order{}, fmt.Errorf("declined: Authorization: Bearer %s, for %s", canary, canary)
		}), echo)
	})
	in := order{Customer: "ada", Password: canary, IBAN: canary, Note: "see " + canary}
	if _, err := p.Run(t.Context(), in, engine.Config{Callbacks: tel.Callbacks()}); err == nil {
		t.Fatal("it did not fail")
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, s := range collector.AllSpans() {
		all.WriteString(prototext.Format(s))
	}
	for _, m := range collector.Metrics() {
		all.WriteString(prototext.Format(m))
	}
	for _, r := range collector.Records() {
		all.WriteString(prototext.Format(r))
	}
	text = all.String()
	for _, want := range []string{`\"Customer\":\"ada\"`, "asked the bank", "shop.asked", "answer of the bank", "asked by hand"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s did not arrive", want)
		}
	}
	if points := collector.Metrics()["shop.asked"].GetSum().GetDataPoints(); len(points) != 1 || points[0].GetAsInt() != 3 {
		t.Errorf("what is told by its secret only is not added up: %v", points)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, canary[:8]) {
			t.Errorf("it left: %s", line)
		}
	}
}
