package backend_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// exporter is an exporter of each signal, which writes down what it gets. do, if there
// is one, is called first.
type exporter struct {
	do          func(ctx context.Context, what string) error
	temporality metricdata.Temporality

	mu   sync.Mutex
	got  []string
	busy bool
}

func (e *exporter) note(ctx context.Context, what string) error {
	e.mu.Lock()
	if e.busy {
		e.got = append(e.got, "TWO AT ONCE")
	}
	e.busy = true
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.busy = false
		e.mu.Unlock()
	}()
	if e.do != nil {
		if err := e.do(ctx, what); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, what)
	return nil
}

func (e *exporter) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.got, ", ")
}

type spanExporter struct{ exporter }

func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		service, _ := s.Resource().Set().Value("service.name")
		if err := e.note(ctx, "span "+s.Name()+" of "+service.AsString()); err != nil {
			return err
		}
	}
	return nil
}

func (e *spanExporter) Shutdown(ctx context.Context) error { return e.note(ctx, "shutdown") }

type metricExporter struct{ exporter }

func (e *metricExporter) Temporality(sdkmetric.InstrumentKind) metricdata.Temporality {
	return e.temporality
}

func (e *metricExporter) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

func (e *metricExporter) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	return e.note(ctx, "metric "+m.ScopeMetrics[0].Metrics[0].Name)
}
func (e *metricExporter) ForceFlush(ctx context.Context) error { return e.note(ctx, "flush") }
func (e *metricExporter) Shutdown(ctx context.Context) error   { return e.note(ctx, "shutdown") }

type logExporter struct{ exporter }

func (e *logExporter) Export(ctx context.Context, list []sdklog.Record) error {
	return e.note(ctx, fmt.Sprintf("%d records", len(list)))
}
func (e *logExporter) ForceFlush(ctx context.Context) error { return e.note(ctx, "flush") }
func (e *logExporter) Shutdown(ctx context.Context) error   { return e.note(ctx, "shutdown") }

func ownSpans(n int) *coltracepb.ExportTraceServiceRequest {
	var list []*tracepb.Span
	for range n {
		list = append(list, &tracepb.Span{Name: "own"})
	}
	return &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: list}}}}}
}

func ownMetric(name string) *colmetricspb.ExportMetricsServiceRequest {
	return &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{
		Metrics: []*metricspb.Metric{{Name: name, Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{}}}},
	}}}}}
}

func ownRecords(n int) *collogspb.ExportLogsServiceRequest {
	return &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: make([]*logspb.LogRecord, n)}}}}}
}

type receivers interface {
	backend.TracesReceiver
	backend.MetricsReceiver
	backend.LogsReceiver
}

// feed gives an instance a run of one node, and what a program makes.
func feed(t *testing.T, in backend.Instance) {
	t.Helper()
	run := hooktest.Start(in, hooktest.Config("daily"))
	run.Node("fetch").OK(time.Second)
	run.OK(time.Second)
	r, _ := in.(receivers)
	if err := errors.Join(
		r.OnTraces(t.Context(), ownSpans(1)), r.OnTraces(t.Context(), ownSpans(1)),
		r.OnMetrics(t.Context(), ownMetric("m1")), r.OnMetrics(t.Context(), ownMetric("m2")), r.OnLogs(t.Context(), ownRecords(600)),
	); err != nil {
		t.Fatal(err)
	}
}

func lossesOf(err error) backend.Losses {
	if e, ok := errors.AsType[interface {
		error
		Lost() backend.Losses
	}](err); ok {
		return e.Lost()
	}
	return backend.Losses{}
}

var shop = backend.Config{Name: "main", Service: backend.Service{Name: "shop", Attributes: map[string]string{"spanloom.mode": "dev"}}}

func TestExporters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans, metrics, logs := &spanExporter{}, &metricExporter{}, &logExporter{}
		spans.do = func(context.Context, string) error { return nil }
		in, err := backend.FromExporters(shop, backend.Exporters{Spans: spans, Metrics: metrics, Logs: logs})
		if err != nil {
			t.Fatal(err)
		}
		feed(t, in)
		if err := in.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := spans.all(); got != "span own of , span own of , span node fetch of shop, span pipeline daily of shop" {
			t.Errorf("spans: %s", got)
		}
		if got := metrics.all(); got != "metric m1, metric m2, flush" {
			t.Errorf("metrics: %s", got)
		}
		if got := logs.all(); got != "512 records, 88 records, flush" {
			t.Errorf("logs: %s", got)
		}
		if err := in.Flush(t.Context()); err != nil {
			t.Errorf("with nothing new: %v", err)
		}
		if err := in.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range []*exporter{&spans.exporter, &metrics.exporter, &logs.exporter} {
			if got := e.got[len(e.got)-1]; got != "shutdown" {
				t.Errorf("at the end %s", got)
			}
		}
	})
}

// TestFailingExporters: what fails is counted as lost, of its own signal only, and
// nothing that an exporter does is seen elsewhere.
func TestFailingExporters(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(ctx context.Context, what string) error
		want string
		took time.Duration
	}{
		"error": {do: func(context.Context, string) error { return errors.New("no such index") }, want: "no such index"},
		"panic": {do: func(context.Context, string) error { panic("nil map") }, want: "the exporter panicked: nil map"},
		"exit": {do: func(context.Context, string) error {
			runtime.Goexit()
			return nil
		}, want: "the exporter ended its goroutine"},
		"slow": {do: func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return errors.New("no answer from collector")
		}, want: "no answer from collector", took: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spans, metrics, logs := &spanExporter{}, &metricExporter{}, &logExporter{}
				in, err := backend.FromExporters(shop, backend.Exporters{Spans: spans, Metrics: metrics, Logs: logs})
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range []struct {
					of   *exporter
					want backend.Losses
				}{
					{&spans.exporter, backend.Losses{Hooks: math.MaxInt, Traces: 2}},
					{&metrics.exporter, backend.Losses{Metrics: 2}},
					{&logs.exporter, backend.Losses{Logs: 1}},
				} {
					s.of.do = c.do
					feed(t, in)
					begin := time.Now()
					err := in.Flush(t.Context())
					if err == nil || err.Error() != c.want {
						t.Errorf("%v, want %s", err, c.want)
					}
					if got := lossesOf(err); got != s.want {
						t.Errorf("lost %+v, want %+v", got, s.want)
					}
					if took := time.Since(begin); took < c.took || took > 2*c.took {
						t.Errorf("took %s", took)
					}
					s.of.do = nil
					feed(t, in)
					if err := in.Flush(t.Context()); err != nil {
						t.Errorf("when it works again: %v", err)
					}
				}
				if err := in.Close(t.Context()); err != nil {
					t.Error(err)
				}
				for _, e := range []*exporter{&spans.exporter, &metrics.exporter, &logs.exporter} {
					if strings.Contains(e.all(), "TWO") {
						t.Error(e.all())
					}
				}
			})
		})
	}
}

// TestHangingExporter: one that does not even look at its context holds Flush and Close
// for their time only, is never called a second time meanwhile, and works on when it
// returns.
func TestHangingExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		logs := &logExporter{}
		logs.do = func(context.Context, string) error {
			<-release
			return nil
		}
		in, err := backend.FromExporters(shop, backend.Exporters{Logs: logs})
		if err != nil {
			t.Fatal(err)
		}
		r, _ := in.(receivers)
		for range 3 {
			_ = r.OnLogs(t.Context(), ownRecords(2000))
			begin := time.Now()
			err := in.Flush(t.Context())
			if err == nil || !strings.Contains(err.Error(), "has not returned: context deadline exceeded") || lossesOf(err).Logs != 1 {
				t.Errorf("%v, lost %+v", err, lossesOf(err))
			}
			if took := time.Since(begin); took > 11*time.Second {
				t.Errorf("Flush took %s", took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := in.Close(ctx); err == nil || time.Since(begin) > 2*time.Second {
			t.Errorf("Close: %v after %s", err, time.Since(begin))
		}
		close(release)
		synctest.Wait()
		if got := logs.all(); got != "512 records" {
			t.Errorf("called for %s", got)
		}
	})
}

func TestExportersThatAreNotThere(t *testing.T) {
	if _, err := backend.FromExporters(shop, backend.Exporters{}); err == nil || err.Error() != "backend main: no exporter is given" {
		t.Error(err)
	}
	deltas := &metricExporter{exporter{temporality: metricdata.DeltaTemporality}}
	if _, err := backend.FromExporters(shop, backend.Exporters{Metrics: deltas}); err == nil || !strings.Contains(err.Error(), "cumulative temporality") {
		t.Error(err)
	}
	for signal, e := range map[pb.Signal]backend.Exporters{
		pb.Signal_SIGNAL_TRACES:  {Spans: &spanExporter{}},
		pb.Signal_SIGNAL_METRICS: {Metrics: &metricExporter{}},
		pb.Signal_SIGNAL_LOGS:    {Logs: &logExporter{}},
	} {
		c, s := serve(t, func(c backend.Config) (backend.Instance, error) { return backend.FromExporters(c, e) })
		r, err := c.Configure(t.Context(), &pb.ConfigureRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.GetSignals(); !slices.Equal(got, []pb.Signal{signal}) {
			t.Errorf("takes %v, want %v", got, signal)
		}
		if (len(r.GetHooks()) > 0) != (signal == pb.Signal_SIGNAL_TRACES) {
			t.Errorf("%v: hooks %v", signal, r.GetHooks())
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestExportersOverTheProtocol: what fails is in the acknowledgement, by kind.
func TestExportersOverTheProtocol(t *testing.T) {
	logs := &logExporter{}
	logs.do = func(_ context.Context, what string) error {
		if what == "shutdown" {
			return nil
		}
		return errors.New("full")
	}
	c, server := serve(t, func(c backend.Config) (backend.Instance, error) {
		return backend.FromExporters(c, backend.Exporters{Spans: &spanExporter{}, Logs: logs})
	})
	if _, err := c.Configure(t.Context(), &pb.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request, err := proto.Marshal(ownRecords(1))
	if err != nil {
		t.Fatal(err)
	}
	ack := send(t, s, exports(t, 1, traces(t, "a"), &pb.Export{Signal: pb.Signal_SIGNAL_LOGS, Request: request}))
	if ack.GetError() != "full" || ack.GetLost().GetLogs() != 1 || ack.GetLost().GetTraces() != 0 || ack.GetLost().GetEvents() != 0 {
		t.Errorf("%v", ack)
	}
	if err := server.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSpansOfRuns: they have what stands on every span of a product.
func TestSpansOfRuns(t *testing.T) {
	got := make(chan attribute.Set, 10)
	in, err := backend.FromExporters(shop, backend.Exporters{Spans: attributesOf(got)})
	if err != nil {
		t.Fatal(err)
	}
	hooktest.Start(in, hooktest.Config("daily")).OK(time.Second)
	if err := in.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	set := <-got
	if v, _ := set.Value("spanloom.mode"); v.AsString() != "dev" {
		t.Errorf("%v", set)
	}
}

type attributesOf chan attribute.Set

func (c attributesOf) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		c <- attribute.NewSet(s.Attributes()...)
	}
	return nil
}
func (c attributesOf) Shutdown(context.Context) error { return nil }
