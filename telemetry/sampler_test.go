package telemetry

import (
	"context"
	"encoding/binary"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// TestRatio: other services that use the sampler of OpenTelemetry choose the same
// traces.
func TestRatio(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ratio := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1)).Draw(t, "ratio")
		var id trace.TraceID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		theirs := sdktrace.TraceIDRatioBased(ratio).ShouldSample(sdktrace.SamplingParameters{
			ParentContext: context.Background(), TraceID: id,
		}).Decision == sdktrace.RecordAndSample
		if ours := below(binary.BigEndian.Uint64(id[8:]), ratio); ours != theirs {
			t.Fatalf("sampled: %t, by OpenTelemetry %t", ours, theirs)
		}
	})
}

func TestSampler(t *testing.T) {
	n := 0
	const runs = 4000
	for range runs {
		id, ok := Sampler{Ratio: 0.25}.RunIdentity(t.Context())
		if !ok || id.Parent.IsValid() {
			t.Fatalf("%+v %t", id, ok)
		}
		n += int(id.Flags & 1)
	}
	if n < runs/4-200 || n > runs/4+200 { // seven standard deviations
		t.Errorf("%d of %d runs were sampled, want a quarter", n, runs)
	}
	for _, flags := range []trace.TraceFlags{0, 1} {
		sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: flags, Remote: true})
		ctx := trace.ContextWithRemoteSpanContext(t.Context(), sc)
		for _, ratio := range []float64{0, 1} {
			id, _ := Sampler{Ratio: ratio}.RunIdentity(ctx)
			if id.Flags != byte(flags) || id.TraceID != (callbacks.TraceID{1}) || id.Parent != (callbacks.SpanID{2}) {
				t.Errorf("ratio %g under a span with flags %d: %+v", ratio, flags, id)
			}
		}
	}
}

// TestSampledRuns: a run, and those that its nodes start, have spans or have none.
func TestSampledRuns(t *testing.T) {
	for ratio, want := range map[float64]int{0: 0, 1: 4} {
		exp := tracetest.NewInMemoryExporter()
		cb := NewCallback(Exporters{Spans: exp})
		cfg := engine.Config{Callbacks: []callbacks.PipelineCallback{Sampler{Ratio: ratio}, cb}}
		inc := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
		inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, inc, n) })
		outer := engine.Define("outer", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, engine.Node("start", func(ctx context.Context, n int) (int, error) {
				cfg := cfg
				cfg.Callbacks = []callbacks.PipelineCallback{Sampler{Ratio: 1 - ratio}, cb} // the parent counts
				return inner.Run(ctx, n, cfg)
			}), n)
		})
		if _, err := outer.Run(t.Context(), 1, cfg); err != nil {
			t.Fatal(err)
		}
		if err := cb.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		traces := map[trace.TraceID]bool{}
		for _, s := range exp.GetSpans() {
			traces[s.SpanContext.TraceID()] = true
		}
		if got := len(exp.GetSpans()); got != want || len(traces) != want/4 {
			t.Errorf("ratio %g: %d spans in %d traces, want %d", ratio, got, len(traces), want)
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
