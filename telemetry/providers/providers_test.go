package providers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// fake is an exporter of all three signals.
type fake struct {
	export func(context.Context, int) error

	mu        sync.Mutex
	batches   []int
	shutdowns int
}

func (f *fake) take(ctx context.Context, n int) error {
	f.mu.Lock()
	f.batches = append(f.batches, n)
	f.mu.Unlock()
	if f.export != nil {
		return f.export(ctx, n)
	}
	return nil
}

func (f *fake) sizes() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.batches)
}

func (f *fake) ForceFlush(context.Context) error { return nil }

func (f *fake) Shutdown(context.Context) error {
	f.shutdowns++
	return nil
}

type fakeSpans struct{ *fake }

func (f fakeSpans) ExportSpans(ctx context.Context, s []sdktrace.ReadOnlySpan) error {
	return f.take(ctx, len(s))
}

type fakeMetrics struct{ *fake }

func (f fakeMetrics) Export(ctx context.Context, _ *metricdata.ResourceMetrics) error {
	return f.take(ctx, 1)
}

func (fakeMetrics) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (fakeMetrics) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}

type fakeLogs struct{ *fake }

func (f fakeLogs) Export(ctx context.Context, r []sdklog.Record) error { return f.take(ctx, len(r)) }

// faked returns providers of exporters that do what export does.
func faked(export func(context.Context, int) error) (p *Providers, spans, metrics, logs *fake) {
	spans, metrics, logs = &fake{export: export}, &fake{export: export}, &fake{export: export}
	return assemble(Config{Resource: resource.Empty()}, fakeSpans{spans}, fakeMetrics{metrics}, fakeLogs{logs}), spans, metrics, logs
}

func span(p *Providers) {
	_, s := p.TracerProvider().Tracer("t").Start(context.Background(), "s")
	s.End()
}

func record(p *Providers) {
	otelslog.NewLogger("t", otelslog.WithLoggerProvider(p.LoggerProvider())).Info("r")
}

func count(p *Providers) {
	c, _ := p.MeterProvider().Meter("t").Int64Counter("c")
	c.Add(context.Background(), 1)
}

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, spans, _, logs := faked(nil)
		span(p)
		record(p)
		time.Sleep(linger - time.Millisecond)
		synctest.Wait()
		if n := len(spans.sizes()); n != 0 {
			t.Errorf("%d batches before %s", n, linger)
		}
		if got := logs.sizes(); !slices.Equal(got, []int{1}) {
			t.Errorf("log records %v, want one at once", got)
		}
		time.Sleep(linger)
		synctest.Wait()
		for range batchSize {
			span(p)
		}
		synctest.Wait()
		if got := spans.sizes(); !slices.Equal(got, []int{1, batchSize}) {
			t.Errorf("batches %v, want a full one at once", got)
		}
		for range 2*batchSize + 1 {
			span(p)
		}
		if err := p.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if err := errors.Join(p.Shutdown(t.Context()), p.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		if st := p.Stats(); st.Spans != (Counts{Exported: 3*batchSize + 2}) || st.Logs != (Counts{Exported: 1}) {
			t.Errorf("%+v", st)
		}
		if spans.shutdowns != 1 || logs.shutdowns != 1 {
			t.Errorf("shut down %d and %d times", spans.shutdowns, logs.shutdowns)
		}
		if line, ok := p.Lost(); ok {
			t.Error(line)
		}
	})
}

// TestNothingIsLostInSilence: whatever an exporter does, all is counted, and none
// of it is printed by OpenTelemetry.
func TestNothingIsLostInSilence(t *testing.T) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Errorf("printed: %v", err) }))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	for want, export := range map[string]func(context.Context, int) error{
		"2 spans, 1 collection of metrics and 1 log record of the program lost: boom":                  func(context.Context, int) error { return errors.New("boom\nat line 2") },
		"2 spans, 1 collection of metrics and 1 log record of the program lost: exporter panicked: oh": func(context.Context, int) error { panic("oh") },
	} {
		p, _, _, _ := faked(export)
		span(p)
		span(p)
		count(p)
		record(p)
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if got, ok := p.Lost(); !ok || got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAFullBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p, _, _, _ := faked(func(context.Context, int) error { <-release; return nil })
		for range maxSpans + 100 {
			span(p)
		}
		if st := p.Stats().Spans; st.Waiting != maxSpans || st.BufferFull != 100 {
			t.Errorf("%+v", st)
		}
		close(release)
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if st := p.Stats().Spans; st != (Counts{Exported: maxSpans, BufferFull: 100}) {
			t.Errorf("%+v", st)
		}
		if line, _ := p.Lost(); line != "100 spans of the program lost: the buffer was full" {
			t.Error(line)
		}
	})
}

// TestLargeSpans: batches and the buffer are bounded in bytes too.
func TestLargeSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p, spans, _, _ := faked(func(context.Context, int) error { <-release; return nil })
		text := strings.Repeat("x", 100<<10)
		list := []attribute.KeyValue{
			attribute.String("a", text), attribute.ByteSlice("b", []byte(text)), attribute.StringSlice("c", []string{text}),
			{Key: "d", Value: attribute.MapValue(attribute.String("d", text))},
			{Key: "e", Value: attribute.SliceValue(attribute.StringValue(text))},
		}
		for range 300 { // half a MiB each
			_, s := p.TracerProvider().Tracer("t").Start(t.Context(), "s", trace.WithAttributes(list...))
			s.End()
		}
		st := p.Stats().Spans
		if st.Waiting < 120 || st.Waiting > 130 || st.Waiting+st.BufferFull != 300 {
			t.Errorf("%+v, want some 128 in 64 MiB", st)
		}
		close(release)
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		for _, n := range spans.sizes() {
			if n > 9 {
				t.Errorf("a batch of %d", n)
			}
		}
		if after := p.Stats().Spans; after.Exported != st.Waiting || after.BufferFull != st.BufferFull || p.spans.bytes != 0 {
			t.Errorf("%+v, and %d bytes are left", after, p.spans.bytes)
		}
	})
}

// TestLargeSpansGoAtOnce: they do not wait until there are enough of them.
func TestLargeSpansGoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, spans, _, _ := faked(nil)
		for range 5 {
			_, s := p.TracerProvider().Tracer("t").Start(t.Context(), strings.Repeat("x", 1<<20))
			s.End()
		}
		synctest.Wait()
		if got := spans.sizes(); len(got) == 0 || got[0] != 4 {
			t.Errorf("batches %v", got)
		}
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestAHangingExporter: ForceFlush and Shutdown return when their time is over.
func TestAHangingExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p, _, _, _ := faked(func(context.Context, int) error { <-release; return nil })
		for range batchSize + 3 {
			span(p)
		}
		synctest.Wait()
		for _, f := range []func(context.Context) error{p.ForceFlush, p.Shutdown} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			if err := f(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the deadline's", err)
			}
			if d := time.Since(began); d > time.Second {
				t.Errorf("took %s", d)
			}
			cancel()
		}
		close(release)
		synctest.Wait()
		if st := p.Stats().Spans; st.Waiting != 0 || st.Exported+st.ExportFailed != batchSize+3 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAfterShutdown(t *testing.T) {
	p, _, _, _ := faked(nil)
	_, late := p.TracerProvider().Tracer("t").Start(t.Context(), "late")
	logger := otelslog.NewLogger("t", otelslog.WithLoggerProvider(p.LoggerProvider()))
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	late.End()
	span(p)
	logger.Info("late")
	if st := p.Stats(); st.Spans != (Counts{AfterShutdown: 2}) || st.Logs != (Counts{AfterShutdown: 1}) {
		t.Errorf("%+v", st)
	}
	if err := p.ForceFlush(t.Context()); err != nil {
		t.Errorf("ForceFlush after Shutdown: %v", err)
	}
}

func TestUnsampledSpansStay(t *testing.T) {
	p, spans, _, _ := faked(nil)
	parent := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, Remote: true,
	}))
	_, s := p.TracerProvider().Tracer("t").Start(parent, "s")
	s.End()
	if err := p.Shutdown(t.Context()); err != nil || len(spans.sizes()) > 0 {
		t.Errorf("%v, batches %v", err, spans.sizes())
	}
}

// TestAccounting: whatever happens at the same time, each span is counted once.
func TestAccounting(t *testing.T) {
	for range 20 {
		p, spans, _, _ := faked(nil)
		var wg sync.WaitGroup
		const goroutines, each = 8, 500
		for range goroutines {
			tracer := p.TracerProvider().Tracer("t")
			wg.Go(func() {
				for i := range each {
					_, s := tracer.Start(context.Background(), "s")
					s.End()
					if i == each/2 {
						_ = p.ForceFlush(context.Background())
					}
				}
			})
		}
		wg.Wait()
		if err := p.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, n := range spans.sizes() {
			sum += n
		}
		if st := p.Stats().Spans; st.Exported != goroutines*each || st.Waiting != 0 || sum != goroutines*each {
			t.Fatalf("%+v, the exporter got %d", st, sum)
		}
	}
}

type producer struct{ err error }

func (p producer) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	if p.err != nil {
		return nil, p.err
	}
	return []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{{
		Name: "produced", Data: metricdata.Sum[int64]{
			Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: []metricdata.DataPoint[int64]{{Value: 7}},
		},
	}}}}, nil
}

// TestRequests: what goes over the connection is what was made, with the resource
// and in the shape that backends are promised, whatever the environment says.
func TestRequests(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
	var mu sync.Mutex
	var traces coltracepb.ExportTraceServiceRequest
	var metrics colmetricspb.ExportMetricsServiceRequest
	var logs collogspb.ExportLogsServiceRequest
	conn := sink(t, func(method string, data []byte) {
		mu.Lock()
		defer mu.Unlock()
		m := map[string]proto.Message{"Trace": &traces, "Metrics": &metrics, "Logs": &logs}[strings.TrimSuffix(method[strings.LastIndex(method, "v1.")+3:], "Service/Export")]
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(data, m); err != nil {
			t.Error(err)
		}
	})
	p, err := New(conn, Config{
		Resource:  resource.NewSchemaless(attribute.String("service.name", "shop")),
		Producers: []sdkmetric.Producer{producer{}, producer{err: errors.New("no")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	span(p)
	count(p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	otelslog.NewLogger("t", otelslog.WithLoggerProvider(p.LoggerProvider())).InfoContext(ctx, "cancelled")
	if err := p.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := traces.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName(); got != "s" {
		t.Errorf("span %q", got)
	}
	if got := logs.GetResourceLogs()[0].GetScopeLogs()[0].GetLogRecords()[0].GetBody().GetStringValue(); got != "cancelled" {
		t.Errorf("log record %q", got)
	}
	for _, r := range []string{traces.GetResourceSpans()[0].GetResource().String(), metrics.GetResourceMetrics()[0].GetResource().String(), logs.GetResourceLogs()[0].GetResource().String()} {
		if !strings.Contains(r, `"shop"`) {
			t.Errorf("resource %s", r)
		}
	}
	names := map[string]bool{}
	for _, rm := range metrics.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				names[m.GetName()] = true
				if got := m.GetSum().GetAggregationTemporality(); got.String() != "AGGREGATION_TEMPORALITY_CUMULATIVE" {
					t.Errorf("%s is %s", m.GetName(), got)
				}
			}
		}
	}
	if !names["c"] || !names["produced"] || len(names) != 2 {
		t.Errorf("metrics %v", names)
	}
	if st := p.Stats(); st.Metrics != (Counts{Exported: 2, ExportFailed: 1}) {
		t.Errorf("%+v", st)
	}
}

func TestNothingMadeNothingSent(t *testing.T) {
	p, err := New(sink(t, func(method string, _ []byte) { t.Errorf("%s was called", method) }), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.ForceFlush(t.Context()), p.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
}
