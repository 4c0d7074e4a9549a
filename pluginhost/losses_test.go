//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/internal/hooktest"
)

func TestLossesInWords(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]Losses{
		"0 events":                 {},
		"1 event":                  {Events: 1},
		"2 spans and 1 log record": {Spans: 2, LogRecords: 1},
		"3 events, 1 span, 1 data point and 2 log records": {Events: 3, Spans: 1, DataPoints: 1, LogRecords: 2},
	} {
		if got := l.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// requests are one of each signal, which hold 3 spans, 5 data points and 2 records.
func requests(t testing.TB) [signals][]byte {
	t.Helper()
	metric := func(n int) *metricspb.Metric {
		return &metricspb.Metric{Name: "m", Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: make([]*metricspb.NumberDataPoint, n)}}}
	}
	point := []*metricspb.HistogramDataPoint{{Count: 1}}
	var list [signals][]byte
	for i, m := range [...]proto.Message{
		&coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{
			{SchemaUrl: "a", ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "s"}, {}}}}},
			{ScopeSpans: []*tracepb.ScopeSpans{{SchemaUrl: "b"}, {Spans: []*tracepb.Span{{Name: "t"}}}}},
		}},
		&colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{
			metric(2), metric(0), metric(1),
			{Unit: "s"},
			{Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{AggregationTemporality: 1, DataPoints: point}}},
			{Data: &metricspb.Metric_Sum{Sum: &metricspb.Sum{IsMonotonic: true, DataPoints: []*metricspb.NumberDataPoint{{TimeUnixNano: 1}}}}},
		}}}}}},
		&collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{}, {SeverityText: "x"}}}}}}},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		list[i] = data
	}
	return list
}

func TestThings(t *testing.T) {
	t.Parallel()
	for s, want := range [signals]uint64{3, 5, 2} {
		data := requests(t)[s]
		if got := things(Signal(s), data); got != want {
			t.Errorf("%s: %d, want %d", Signal(s), got, want)
		}
		for cut := range data { // of what cannot be read, what can
			if got := things(Signal(s), data[:cut]); got > want {
				t.Errorf("%s: %d in a part", Signal(s), got)
			}
		}
	}
}

// TestLossesByKind: whatever is lost, and wherever, each kind is told by itself.
func TestLossesByKind(t *testing.T) {
	emit := func(h *Host) (n uint64) {
		n = uint64(hooktest.Random(h, 1))
		for s, request := range requests(t) {
			h.Export(Signal(s), request)
			h.Export(Signal(s), request)
		}
		return n
	}
	never := InProcess(backend.Backend{Name: "x", Open: func(ctx context.Context, _ backend.Config) (backend.Instance, error) {
		return nil, errors.New("no")
	}})
	slow := func(in backend.Instance) Launcher {
		return InProcess(backend.Backend{Name: "x", Open: func(context.Context, backend.Config) (backend.Instance, error) { return in, nil }})
	}
	all := func(n uint64) Losses { return Losses{Events: n, Spans: 6, DataPoints: 10, LogRecords: 4} }
	t.Run("down", func(t *testing.T) {
		h := start(t, Spec{Name: "x", Launch: never})
		n := emit(h)
		_ = h.Shutdown(t.Context())
		n += emit(h)
		if got := h.Stats().Losses; got != (Losses{Events: n, Spans: 12, DataPoints: 20, LogRecords: 8}) {
			t.Errorf("%d events: %+v", n, got)
		}
	})
	t.Run("full", func(t *testing.T) {
		h := start(t, Spec{Name: "x", Launch: never, QueueBytes: 1})
		if n := emit(h); h.Stats().Losses != all(n) {
			t.Errorf("%d events: %+v", n, h.Stats().Losses)
		}
	})
	t.Run("at shutdown", func(t *testing.T) {
		in := &taker{exporting{takes: time.Hour}}
		h := start(t, Spec{Name: "x", Launch: slow(in)})
		ready(t, h)
		n := emit(h)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_ = h.Shutdown(ctx)
		if got := h.Stats().Losses; got != all(n) {
			t.Errorf("%d events: %+v", n, got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		in := &taker{exporting{takes: 10 * time.Millisecond, err: errors.New("no")}}
		h := start(t, Spec{Name: "x", Launch: slow(in)})
		ready(t, h)
		n := emit(h)
		want := `backend "x": flush: ` + all(n).String() + " lost: the backend could not export them: no"
		if err := h.Flush(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if got := h.Stats().Losses; got != all(n) {
			t.Errorf("%d events: %+v", n, got)
		}
	})
	t.Run("logs only", func(t *testing.T) {
		in := &taker{exporting{takes: 10 * time.Millisecond, err: logsError{errors.New("no")}}}
		h := start(t, Spec{Name: "x", Launch: slow(in)})
		ready(t, h)
		h.Export(Traces, requests(t)[Traces])
		h.Export(Logs, requests(t)[Logs])
		err := h.Flush(t.Context())
		if st := h.Stats(); err == nil || st.Losses != (Losses{LogRecords: 2}) || st.Delivered != 1 || st.Lost() != 1 {
			t.Errorf("%v: %+v", err, st)
		}
	})
}

// taker takes all signals.
type taker struct{ exporting }

func (*taker) OnMetrics(context.Context, *colmetricspb.ExportMetricsServiceRequest) error { return nil }

func (*taker) OnLogs(context.Context, *collogspb.ExportLogsServiceRequest) error { return nil }

type logsError struct{ error }

func (logsError) Lost() backend.Losses { return backend.Losses{Logs: 1} }
