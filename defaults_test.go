package spanloom_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// outcome is what a collector has of a run.
type outcome struct {
	spans, records map[string]int // by name, and by message
	metrics        bool
	values         bool // on a span
}

// runWith runs a pipeline whose node makes a span and a log record and then fails.
func runWith(t *testing.T, settings string) outcome {
	t.Helper()
	collector := otlptest.Start(t, nil)
	tel := open(t, with(collector, settings))
	p := engine.Define("pay", func(g *engine.Graph, in engine.Value[string]) engine.Value[string] {
		return engine.Add(g, engine.Node("charge", func(ctx context.Context, s string) (string, error) {
			_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("shop").Start(ctx, "look up")
			span.End()
			tel.Logger().InfoContext(ctx, "charged", slog.Bool("ok", false))
			tel.Logger().DebugContext(ctx, "details")
			return s, errDeclined
		}), in)
	})
	if _, err := p.Run(t.Context(), "ada", engine.Config{Callbacks: tel.Callbacks()}); !errors.Is(err, errDeclined) {
		t.Fatal(err)
	}
	if err := errors.Join(tel.Flush(t.Context()), tel.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	got := outcome{spans: map[string]int{}, records: map[string]int{}}
	for _, s := range collector.AllSpans() {
		got.spans[s.GetName()]++
		got.values = got.values || attribute(s.GetAttributes(), "spanloom.inputs") != ""
	}
	for _, r := range collector.Records() {
		got.records[r.GetBody().GetStringValue()]++
	}
	got.metrics = collector.Metrics()["spanloom.pipeline.run.duration"] != nil
	return got
}

// TestWhatComesOutByDefault: spans and metrics of runs, what code makes, no values,
// and no lines of what runs do.
func TestWhatComesOutByDefault(t *testing.T) {
	got := runWith(t, "")
	if got.spans["pipeline pay"] != 1 || got.spans["node charge"] != 1 || got.spans["look up"] != 1 || !got.metrics {
		t.Errorf("it is not all there: %+v", got)
	}
	if got.values || len(got.records) != 1 || got.records["charged"] != 1 {
		t.Errorf("there is more than that: %+v", got)
	}
}

// TestLinesOfRunsAreForThoseWhoAsk has a level in the manifest.
func TestLinesOfRunsAreForThoseWhoAsk(t *testing.T) {
	got := runWith(t, "  logs: { level: info }\n")
	if got.records["run started"] != 1 || got.records["node failed"] != 1 || got.records["run ended"] != 1 || got.records["node started"] != 0 {
		t.Errorf("%+v", got.records)
	}
}

// TestRecordsStayAtHome has one that is not forwarded.
func TestRecordsStayAtHome(t *testing.T) {
	if got := runWith(t, "  logs: { forward: false }\n"); len(got.records) != 0 {
		t.Errorf("%+v", got.records)
	}
}

// TestAKeptRunLacksTheSpansOfItsCode: who is told that a run is not sampled makes no
// span, and it is too late when the run fails.
func TestAKeptRunLacksTheSpansOfItsCode(t *testing.T) {
	got := runWith(t, "  sampling: { ratio: 0, keep: [failed] }\n")
	if got.spans["pipeline pay"] != 1 || got.spans["node charge"] != 1 || got.spans["look up"] != 0 || got.records["charged"] != 1 {
		t.Errorf("%+v", got)
	}
}
