package backend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otelresource"
	"github.com/spanloom/spanloom/internal/otlpsdk"
	"github.com/spanloom/spanloom/internal/pace"
	"github.com/spanloom/spanloom/privacy"
	"github.com/spanloom/spanloom/telemetry"
)

// Exporters are exporters of OpenTelemetry's SDK. Those that are nil get nothing, and
// the host is spared the sending.
type Exporters struct {
	// Spans takes the spans of runs and those that the program makes itself.
	Spans sdktrace.SpanExporter
	// Metrics takes the program's metrics. They are cumulative and of the aggregation
	// that the program has chosen, whatever the exporter says.
	Metrics sdkmetric.Exporter
	// Logs takes the program's log records.
	Logs sdklog.Exporter
}

const (
	// exportSize is the most spans or records that are exported at once.
	exportSize = 512
	// exportLinger is how far apart exports are while they are few and nobody waits.
	exportLinger = 200 * time.Millisecond
)

// FromExporters returns an instance that exports with e, as c, with which it is opened,
// says: spans have its Service as their resource and are made as its Tracing says.
//
// Each exporter is called by one goroutine at a time, with a context of at most ten
// seconds, and is shut down when the instance is closed. What it returns an error for, or
// panics over, or has not returned from when its context has ended, counts as lost: an
// exporter that wants to try again does so itself. With durable delivery the host sends it
// again: for as long as it takes where the error is of the network, a context or gRPC and
// says that nobody is there, and otherwise as [Instance] says. An exporter of metrics that
// asks for deltas is refused.
func FromExporters(c Config, e Exporters) (Instance, error) {
	if e.Spans == nil && e.Metrics == nil && e.Logs == nil {
		return nil, fmt.Errorf("backend %s: no exporter is given", c.Name)
	}
	if e.Metrics != nil {
		for _, kind := range []sdkmetric.InstrumentKind{sdkmetric.InstrumentKindCounter, sdkmetric.InstrumentKindHistogram} {
			if e.Metrics.Temporality(kind) == metricdata.DeltaTemporality {
				return nil, fmt.Errorf("backend %s: the exporter of metrics asks for deltas, and they are cumulative: make it with cumulative temporality", c.Name)
			}
		}
	}
	in := &exporting{e: e, inputs: !c.Tracing.NoInputs, pace: pace.New(exportLinger)}
	for i := range in.lanes {
		in.lanes[i] = make(lane, 1)
	}
	made := telemetry.Exporters{
		Resource:   otelresource.Of(context.Background(), c.Service.Name, c.Service.Version, c.Service.Namespace, c.Service.Attributes),
		Attributes: telemetry.ProductOf(c.Service.Attributes),
		Fanout:     telemetry.Fanout{Items: telemetry.MapItems(c.Tracing.MapItems), Max: c.Tracing.MaxPerMap, Ratio: c.Tracing.ItemRatio},
		Keep:       telemetry.Keep{Failed: c.Tracing.KeepFailed, Slow: c.Tracing.KeepSlow},
		// Only text that the host has captured comes this far.
		Capture: privacy.Capture{Inputs: in.inputs, Outputs: true},
	}
	if e.Spans != nil {
		made.Spans = runSpans{in}
	}
	in.Callback = telemetry.NewCallback(made)
	return in, nil
}

// exporting is an instance that exports. Like any instance it is called by one
// goroutine at a time; spans of runs come from the callback's own too.
type exporting struct {
	*telemetry.Callback

	e      Exporters
	lanes  [3]lane // of spans, metrics and logs
	pace   *pace.Pace
	inputs bool // starts may have them

	// What came since the last Flush, of how many exports.
	spans   []sdktrace.ReadOnlySpan
	metrics []*metricdata.ResourceMetrics
	records []sdklog.Record
	came    Losses
	told    telemetry.Stats // of what Flush has told
	taken   atomic.Uint64   // by exporters, of what is not of runs
}

// The places of lanes.
const (
	laneSpans = iota
	laneMetrics
	laneLogs
)

func (in *exporting) signals() (list []pb.Signal) {
	if in.e.Spans != nil {
		list = append(list, pb.Signal_SIGNAL_TRACES)
	}
	if in.e.Metrics != nil {
		list = append(list, pb.Signal_SIGNAL_METRICS)
	}
	if in.e.Logs != nil {
		list = append(list, pb.Signal_SIGNAL_LOGS)
	}
	return list
}

// Needs implements Sparing: a span is made of the end of its scope. Starts say what has
// been running for long, and have inputs, if anything has.
func (in *exporting) Needs() callbacks.Hook {
	if in.inputs {
		return in.Hooks()
	}
	return in.Hooks() &^ (callbacks.HookNodeStart | callbacks.HookMapItemStart)
}

// OnTraces keeps spans until Flush.
func (in *exporting) OnTraces(_ context.Context, r *coltracepb.ExportTraceServiceRequest) error {
	in.spans = append(in.spans, otlpsdk.Spans(r)...)
	in.came.Traces++
	return nil
}

// OnMetrics keeps metrics until Flush.
func (in *exporting) OnMetrics(_ context.Context, r *colmetricspb.ExportMetricsServiceRequest) error {
	in.metrics = append(in.metrics, otlpsdk.Metrics(r)...)
	in.came.Metrics++
	return nil
}

// OnLogs keeps log records until Flush.
func (in *exporting) OnLogs(_ context.Context, r *collogspb.ExportLogsServiceRequest) error {
	in.records = append(in.records, otlpsdk.Records(r)...)
	in.came.Logs++
	return nil
}

// Flush implements Instance. Few things are held back for a moment, until more come.
func (in *exporting) Flush(ctx context.Context) error {
	stats := in.Stats()
	n := int(stats.Queued-stats.Held) + len(in.spans) + len(in.metrics) + len(in.records)
	if 0 < n && n < exportSize {
		in.pace.Wait(ctx, Hurry(ctx))
	}
	return in.export(ctx, in.Callback.Flush)
}

// Close implements Instance.
func (in *exporting) Close(ctx context.Context) error {
	err := in.export(ctx, in.Shutdown)
	var others [2]error
	var wg sync.WaitGroup
	if in.e.Metrics != nil {
		wg.Go(func() { others[0] = in.lanes[laneMetrics].call(ctx, in.e.Metrics.Shutdown) })
	}
	if in.e.Logs != nil {
		wg.Go(func() { others[1] = in.lanes[laneLogs].call(ctx, in.e.Logs.Shutdown) })
	}
	wg.Wait()
	return joined(err, others[0], others[1])
}

// export exports what came, each signal at the same time as the others, and calls runs
// after the program's own spans: the two have one exporter.
func (in *exporting) export(ctx context.Context, runs func(context.Context) error) error {
	var lost Losses
	var ofRuns, ofSpans, ofMetrics, ofLogs error
	var wg sync.WaitGroup
	wg.Go(func() {
		if e := in.e.Spans; e != nil {
			var bad int
			bad, ofSpans = shipAll(ctx, in.lanes[laneSpans], in.spans, exportSize, e.ExportSpans, nil, &in.taken)
			lost.Traces = share(in.came.Traces, bad, len(in.spans))
		}
		ofRuns = runs(ctx)
	})
	if e := in.e.Metrics; e != nil {
		wg.Go(func() {
			one := func(ctx context.Context, list []*metricdata.ResourceMetrics) error { return e.Export(ctx, list[0]) }
			var bad int
			bad, ofMetrics = shipAll(ctx, in.lanes[laneMetrics], in.metrics, 1, one, e.ForceFlush, &in.taken)
			lost.Metrics = share(in.came.Metrics, bad, len(in.metrics))
		})
	}
	if e := in.e.Logs; e != nil {
		wg.Go(func() {
			var bad int
			bad, ofLogs = shipAll(ctx, in.lanes[laneLogs], in.records, exportSize, e.Export, e.ForceFlush, &in.taken)
			lost.Logs = share(in.came.Logs, bad, len(in.records))
		})
	}
	wg.Wait()
	now := in.Stats()
	if ofRuns != nil {
		// Each span is told by one hook, its end. Where none arrived, the others are
		// worth nothing either.
		if lost.Hooks = max(int(now.Dropped()-in.told.Dropped()), 1); now.Exported == in.told.Exported {
			lost.Hooks = math.MaxInt
		}
	}
	in.told, in.came = now, Losses{}
	in.spans, in.metrics, in.records = nil, nil, nil
	if err := joined(cause(ofRuns), ofSpans, ofMetrics, ofLogs); err != nil {
		return Lost(&failedError{err, worst(ofRuns, ofSpans, ofMetrics, ofLogs)}, lost)
	}
	return nil
}

// Exported returns how much the exporters have taken, ever.
func (in *exporting) Exported() uint64 { return in.Stats().Exported + in.taken.Load() }

// share returns how many of n exports are lost with bad of all things, rounded up.
func share(n, bad, all int) int {
	if bad == 0 {
		return 0
	}
	return (n*bad + all - 1) / all
}

// shipAll exports things in parts over a lane, and has the exporter let go of them by
// flush, if it has one. It returns how many are lost, and adds the others to taken. Where
// the exporter does not return, the others are not tried.
func shipAll[T any](ctx context.Context, l lane, all []T, size int, ship func(context.Context, []T) error, flush func(context.Context) error, taken *atomic.Uint64) (bad int, err error) {
	for part := range slices.Chunk(all, size) {
		e := l.call(ctx, func(ctx context.Context) error { return ship(ctx, part) })
		if errors.Is(e, errStuck) {
			return len(all), joined(err, e)
		}
		if e != nil {
			bad, err = bad+len(part), joined(err, e)
		}
	}
	if bad < len(all) && flush != nil {
		if e := l.call(ctx, flush); e != nil {
			return len(all), joined(err, e)
		}
	}
	taken.Add(uint64(len(all) - bad))
	return bad, err
}

// runSpans is the exporter that the callback has.
type runSpans struct{ in *exporting }

// ExportSpans implements sdktrace.SpanExporter.
func (s runSpans) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	return s.in.lanes[laneSpans].call(ctx, func(ctx context.Context) error { return s.in.e.Spans.ExportSpans(ctx, spans) })
}

// Shutdown implements sdktrace.SpanExporter.
func (s runSpans) Shutdown(ctx context.Context) error {
	return s.in.lanes[laneSpans].call(ctx, s.in.e.Spans.Shutdown)
}

// cause returns what an exporter said, of an error that counts spans too: the host
// counts what was lost, in events.
func cause(err error) error {
	if e, ok := errors.AsType[*exportError](err); ok {
		return e
	}
	return err
}

// joined joins errors on one line, each text once: what keeps one signal from its
// destination mostly keeps all.
func joined(errs ...error) (all error) {
	for i, err := range errs {
		same := func(e error) bool { return e != nil && e.Error() == err.Error() }
		switch {
		case err == nil || slices.ContainsFunc(errs[:i], same):
		case all == nil:
			all = err
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}
