package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/embedded"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// BenchmarkRecord is one record with two attributes, as JSON to nowhere. What
// the package adds is the difference to bare.
func BenchmarkRecord(b *testing.B) {
	bare := slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // the work is what counts
	ours := slog.New(NewHandler(slog.NewJSONHandler(&escaper{io.Discard}, nil)))
	forwarded := slog.New(NewForwarder(nowhere{}))
	outside, inNode := context.Background(), node(context.Background())
	for _, c := range []struct {
		name string
		log  *slog.Logger
		ctx  context.Context
	}{
		{"bare", bare, inNode},
		{"outside", ours, outside},
		{"node", ours, inNode},
		{"node in group", ours.WithGroup("g").With("a", 1), inNode},
		{"node forwarded", forwarded, inNode},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.log.LogAttrs(c.ctx, slog.LevelInfo, "page fetched", slog.Int("bytes", 12), slog.String("url", "http://example.org"))
			}
		})
	}
}

// nowhere is a provider whose loggers read each attribute and forget it.
type nowhere struct{ embedded.LoggerProvider }

func (nowhere) Logger(string, ...log.LoggerOption) log.Logger { return nowhereLogger{} }

type nowhereLogger struct{ embedded.Logger }

func (nowhereLogger) Enabled(context.Context, log.EnabledParameters) bool { return true }
func (nowhereLogger) Emit(_ context.Context, r log.Record) {
	r.WalkAttributes(func(attribute.KeyValue) bool { return true })
}

// BenchmarkLifecycle is a node of a chain of 1,000, with nobody listening and with
// the lifecycle logged from some level. It reports the time of a node.
func BenchmarkLifecycle(b *testing.B) {
	const nodes = 1000
	step := engine.Node("step", add)
	chain := engine.Define("chain", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		for i := range nodes {
			n = engine.Add(g, step, n, engine.WithName(fmt.Sprint("step", i)))
		}
		return n
	})
	for _, level := range []string{"none", "info", "debug"} {
		b.Run(level, func(b *testing.B) {
			var cfg engine.Config
			if level != "none" {
				l, err := New(io.Discard, Config{Level: level})
				if err != nil {
					b.Fatal(err)
				}
				cfg.Callbacks = []callbacks.PipelineCallback{Lifecycle(l)}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := chain.Run(context.Background(), 1, cfg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/nodes, "ns/node")
		})
	}
}
