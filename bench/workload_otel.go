package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// What a node costs that its author instruments by hand: the chain of the
// engine "direct", with one signal around each of its nodes.
const (
	otelSpanName    = "direct+otel-span"    // an SDK span with 6 attributes, batched
	otelMetricsName = "direct+otel-metrics" // four measurements, their attributes prepared
	slogName        = "direct+slog"         // a record as JSON, with the ids of the trace
)

// labelled is a node with what is prepared for it.
type labelled struct {
	name   string
	add    []metric.AddOption
	record []metric.RecordOption
}

func label(name string) *labelled {
	set := metric.WithAttributeSet(attribute.NewSet(
		attribute.String("spanloom.pipeline.name", "chain"), attribute.String("spanloom.node.name", name)))
	return &labelled{name, []metric.AddOption{set}, []metric.RecordOption{set}}
}

// instrumented is a node's function with something around it.
type instrumented = func(ctx context.Context, n *labelled, v int) (int, error)

func instrumentedChain(around func(ctx context.Context) (context.Context, func()), node instrumented) func(n int) (step, error) {
	return func(n int) (step, error) {
		nodes := make([]*labelled, n)
		for i, name := range names(n) {
			nodes[i] = label(name)
		}
		return func(ctx context.Context, v int) (_ int, err error) {
			ctx, end := around(ctx)
			defer end()
			for _, n := range nodes {
				if v, err = node(ctx, n, v); err != nil {
					return 0, err
				}
			}
			return v, nil
		}, nil
	}
}

// spanMaker makes spans with the SDK.
type spanMaker struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// newSpanMaker makes spans for an exporter; room is the most that wait for it.
func newSpanMaker(e sdktrace.SpanExporter, room int) *spanMaker {
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e, sdktrace.WithMaxQueueSize(room)))
	return &spanMaker{p, p.Tracer("bench")}
}

func (m *spanMaker) run(ctx context.Context) (context.Context, func()) {
	ctx, span := m.tracer.Start(ctx, "chain")
	return ctx, func() { span.End() }
}

func (m *spanMaker) node(ctx context.Context, n *labelled, v int) (int, error) {
	ctx, span := m.tracer.Start(ctx, n.name, trace.WithAttributes(
		attribute.String("spanloom.node.name", n.name),
		attribute.String("spanloom.node.kind", "func"),
		attribute.String("spanloom.node.signature", "func(context.Context, int) (int, error)"),
		attribute.String("code.function.name", "bench.increment"),
		attribute.Int("spanloom.depth", 0),
		attribute.Int("spanloom.attempt.count", 1),
	))
	defer span.End()
	return increment(ctx, v)
}

func (m *spanMaker) chain(n int) (step, error) { return instrumentedChain(m.run, m.node)(n) }

// tally is an exporter that counts.
type tally struct{ spans int }

func (t *tally) ExportSpans(_ context.Context, list []sdktrace.ReadOnlySpan) error {
	t.spans += len(list)
	return nil
}

func (*tally) Shutdown(context.Context) error { return nil }

// marshaller is a client of otlptrace that gets as far as the bytes of requests.
type marshaller struct{ spans, bytes int }

var _ otlptrace.Client = (*marshaller)(nil)

// Start implements the client.
func (*marshaller) Start(context.Context) error { return nil }

// Stop implements the client.
func (*marshaller) Stop(context.Context) error { return nil }

// UploadTraces implements the client.
func (m *marshaller) UploadTraces(_ context.Context, list []*tracepb.ResourceSpans) error {
	data, err := proto.Marshal(&coltracepb.ExportTraceServiceRequest{ResourceSpans: list})
	m.bytes += len(data)
	for _, resource := range list {
		for _, scope := range resource.GetScopeSpans() {
			m.spans += len(scope.GetSpans())
		}
	}
	return err
}

// flushed has a job end with the export of its spans, want of them, of which none
// may be missing. When that is part of what is measured, it is part of Run.
func (m *spanMaker) flushed(measured bool, exported *int, want int, makeJob func() (Job, error)) func() (Job, error) {
	return func() (Job, error) {
		j, err := makeJob()
		last := &j.Check
		if measured {
			last = &j.Run
		}
		before, do := 0, *last
		*last = func() error {
			if err := do(); err != nil {
				return err
			}
			if err := m.provider.ForceFlush(context.Background()); err != nil {
				return err
			}
			got := *exported - before
			before = *exported
			if got != want {
				return fmt.Errorf("%d spans were exported, want %d", got, want)
			}
			return nil
		}
		before = *exported
		return j, err
	}
}

// meters makes the four measurements that the metrics of a node are.
type meters struct {
	active    metric.Int64UpDownCounter
	completed metric.Int64Counter
	duration  metric.Float64Histogram
}

func newMeters() (*meters, error) {
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())).Meter("bench")
	active, err := meter.Int64UpDownCounter("active")
	if err != nil {
		return nil, err
	}
	completed, err := meter.Int64Counter("completed")
	if err != nil {
		return nil, err
	}
	duration, err := meter.Float64Histogram("duration")
	return &meters{active, completed, duration}, err
}

// node measures as if it knew the duration: spans read the clock.
func (m *meters) node(ctx context.Context, n *labelled, v int) (int, error) {
	m.active.Add(ctx, 1, n.add...)
	v, err := increment(ctx, v)
	m.active.Add(ctx, -1, n.add...)
	m.completed.Add(ctx, 1, n.add...)
	m.duration.Record(ctx, time.Microsecond.Seconds(), n.record...)
	return v, err
}

func nothing(ctx context.Context) (context.Context, func()) { return ctx, func() {} }

// slogNode logs that a node has ended.
func slogNode(trace trace.SpanContext) instrumented {
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // the work is what counts
	return func(ctx context.Context, n *labelled, v int) (int, error) {
		v, err := increment(ctx, v)
		logger.LogAttrs(ctx, slog.LevelInfo, "node ended",
			slog.String("trace_id", trace.TraceID().String()), slog.String("span_id", trace.SpanID().String()),
			slog.String("node_name", n.name), slog.Float64("duration_s", time.Microsecond.Seconds()))
		return v, err
	}
}
