package otlptrace

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/pace"
	"github.com/spanloom/spanloom/plugins/internal/otlpclient"
)

// sender sends an OTLP request of whatever signal.
type sender interface {
	Send(ctx context.Context, request proto.Message) error
	Doing() string
}

// forwarding is an instance that also sends on the spans which the program made by
// itself.
type forwarding struct {
	backend.Instance

	client sender
	pace   *pace.Pace
	size   int        // of a request for which nothing is gained by waiting
	ready  func() int // how many spans of runs wait to be sent
	fate   func() fate
	told   fate   // what a Flush has told of
	taken  uint64 // by the collector, of what is not of runs, in requests
	inputs bool   // starts may have them
	// What came since the last Flush: one request of each signal then, with the
	// resources of all as they came.
	traces  coltracepb.ExportTraceServiceRequest
	metrics colmetricspb.ExportMetricsServiceRequest
	logs    collogspb.ExportLogsServiceRequest
	came    [4]int               // how many exports of each they are made of
	took    [4]bool              // whether the endpoint has ever taken any of each
	refused []*backendpb.Refusal // what it did not know in the last Flush
}

// The places of what is sent, in lists.
const (
	ofRuns = iota
	ofTraces
	ofMetrics
	ofLogs
)

// Exported returns how much the collector has taken, ever: spans of runs and requests.
func (f *forwarding) Exported() uint64 { return uint64(f.fate().exported) + f.taken }

// Doing says what is being sent, and has no answer yet.
func (f *forwarding) Doing() string { return f.client.Doing() }

// Hooks returns those that the instance wants.
func (f *forwarding) Hooks() callbacks.Hook { return callbacks.Interest(f.Instance) }

var _ backend.Sparing = (*forwarding)(nil)

// Needs implements backend.Sparing: a span is made of the end of its scope. Starts say
// what has been running for long, and have inputs, if anything has.
func (f *forwarding) Needs() callbacks.Hook {
	if f.inputs {
		return f.Hooks()
	}
	return f.Hooks() &^ (callbacks.HookNodeStart | callbacks.HookMapItemStart)
}

// OnTraces keeps spans until Flush.
func (f *forwarding) OnTraces(_ context.Context, r *coltracepb.ExportTraceServiceRequest) error {
	f.traces.ResourceSpans = append(f.traces.ResourceSpans, r.GetResourceSpans()...)
	f.came[ofTraces]++
	return nil
}

// forwardingAll also sends on metrics and log records.
type forwardingAll struct{ *forwarding }

var (
	_ backend.TracesReceiver  = forwardingAll{}
	_ backend.MetricsReceiver = forwardingAll{}
	_ backend.LogsReceiver    = forwardingAll{}
)

// OnMetrics keeps metrics until Flush.
func (f forwardingAll) OnMetrics(_ context.Context, r *colmetricspb.ExportMetricsServiceRequest) error {
	f.metrics.ResourceMetrics = append(f.metrics.ResourceMetrics, r.GetResourceMetrics()...)
	f.came[ofMetrics]++
	return nil
}

// OnLogs keeps log records until Flush.
func (f forwardingAll) OnLogs(_ context.Context, r *collogspb.ExportLogsServiceRequest) error {
	f.logs.ResourceLogs = append(f.logs.ResourceLogs, r.GetResourceLogs()...)
	f.came[ofLogs]++
	return nil
}

// Flush implements backend.Instance. What the program made goes at the same time
// as the spans of runs: a collector that is away takes the time of one export.
// Only few things are held back until more have come, so that what comes fast is
// sent as fast.
func (f *forwarding) Flush(ctx context.Context) error {
	if n := f.things(); 0 < n && n < f.size {
		f.pace.Wait(ctx, backend.Hurry(ctx))
	}
	return f.with(ctx, f.Instance.Flush)
}

// things counts the spans, log records and metrics that a Flush would send.
func (f *forwarding) things() int {
	n := f.ready()
	for _, r := range f.traces.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			n += len(s.GetSpans())
		}
	}
	for _, r := range f.metrics.GetResourceMetrics() {
		for _, s := range r.GetScopeMetrics() {
			n += len(s.GetMetrics())
		}
	}
	for _, r := range f.logs.GetResourceLogs() {
		for _, s := range r.GetScopeLogs() {
			n += len(s.GetLogRecords())
		}
	}
	return n
}

// Close implements backend.Instance. The client may end with the instance, so that
// what is left goes first.
func (f *forwarding) Close(ctx context.Context) error {
	return several(f.with(ctx, nil), f.Instance.Close(ctx))
}

// with sends on what came, while runs is called, if there is something to call.
func (f *forwarding) with(ctx context.Context, runs func(context.Context) error) error {
	var wg sync.WaitGroup
	var errs [4]error
	var took [4]bool
	send := func(at, things int, request proto.Message) {
		if things > 0 {
			wg.Go(func() {
				errs[at] = f.client.Send(ctx, request)
				e, partial := errors.AsType[*otlpclient.Error](errs[at])
				took[at] = errs[at] == nil || partial && e.Rejected > 0 && e.Rejected < e.Sent
			})
		}
	}
	send(ofTraces, len(f.traces.GetResourceSpans()), &f.traces)
	send(ofMetrics, len(f.metrics.GetResourceMetrics()), &f.metrics)
	send(ofLogs, len(f.logs.GetResourceLogs()), &f.logs)
	if runs != nil {
		errs[ofRuns] = runs(ctx)
	}
	wg.Wait()
	for _, some := range took {
		if some {
			f.taken++
		}
	}
	now := f.fate()
	f.refused = f.refusals(&errs, now.since(f.told))
	err := several(once(errs[:])...)
	if err != nil {
		err = backend.Lost(err, f.blame(errs, now.since(f.told)))
	}
	f.told = now
	f.traces.ResourceSpans, f.metrics.ResourceMetrics, f.logs.ResourceLogs = nil, nil, nil
	f.came = [4]int{}
	return err
}

// Refused returns the signals that the endpoint did not know in the last Flush, though
// it takes others: there is nothing to wait for, and nothing is lost.
func (f *forwarding) Refused() []*backendpb.Refusal { return f.refused }

// refusals notes what the endpoint has taken, and takes out of errs what it never will.
func (f *forwarding) refusals(errs *[4]error, spans fate) (list []*backendpb.Refusal) {
	for at, err := range errs {
		sent := f.came[at] > 0
		if at == ofRuns {
			sent = spans.exported > 0
		}
		f.took[at] = f.took[at] || sent && err == nil
	}
	if !slices.Contains(f.took[:], true) {
		return nil // it may be no endpoint at all
	}
	for at := ofMetrics; at <= ofLogs; at++ {
		e, ok := errors.AsType[*otlpclient.Error](errs[at])
		if !ok || !e.Unknown || f.took[at] {
			continue
		}
		errs[at] = nil
		list = append(list, &backendpb.Refusal{Signal: signals[at], Reason: e.Error() + "; " + elsewhere})
	}
	return list
}

// signals are what the protocol calls them.
var signals = [4]backendpb.Signal{
	ofTraces: backendpb.Signal_SIGNAL_TRACES, ofMetrics: backendpb.Signal_SIGNAL_METRICS, ofLogs: backendpb.Signal_SIGNAL_LOGS,
}

// elsewhere is what to do about an endpoint that takes other signals.
const elsewhere = "name a collector that takes it, or, for spans alone, as with a Jaeger, write plugin: jaeger"

// blame returns how many hooks and exports are lost with the spans of runs that are,
// and with the requests that failed.
func (f *forwarding) blame(errs [4]error, spans fate) backend.Losses {
	var lost [4]int
	for at, err := range errs {
		switch e, partial := errors.AsType[*otlpclient.Error](err); {
		case err == nil:
		case at == ofRuns:
			// Each is told by one hook, its end. Where none arrived, the others are worth
			// nothing either.
			if lost[at] = max(spans.lost, 1); spans.exported == 0 {
				lost[at] = math.MaxInt
			}
		case partial && e.Rejected > 0 && e.Sent > 0:
			lost[at] = int((int64(f.came[at])*e.Rejected + e.Sent - 1) / e.Sent)
		default:
			lost[at] = f.came[at]
		}
	}
	return backend.Losses{Hooks: lost[ofRuns], Traces: lost[ofTraces], Metrics: lost[ofMetrics], Logs: lost[ofLogs]}
}

// fate is what became of the spans of runs, ever.
type fate struct{ exported, lost int }

func (f fate) since(before fate) fate {
	return fate{f.exported - before.exported, f.lost - before.lost}
}

// once leaves out what another error says in the same words: what keeps one signal
// from a collector mostly keeps all.
func once(errs []error) (list []error) {
	for _, err := range errs {
		same := func(e error) bool { return e.Error() == err.Error() }
		if err != nil && !slices.ContainsFunc(list, same) {
			list = append(list, err)
		}
	}
	return list
}
