package providers

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// namedMetrics is an exporter that keeps the names of what it gets.
type namedMetrics struct {
	fakeMetrics

	mu   sync.Mutex
	seen map[string]bool
}

func (n *namedMetrics) Export(_ context.Context, m *metricdata.ResourceMetrics) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, sm := range m.ScopeMetrics {
		for _, one := range sm.Metrics {
			n.seen[one.Name] = true
		}
	}
	return nil
}

func (n *namedMetrics) names() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.seen)
}

func newExporters(t *testing.T) (fakeSpans, *namedMetrics, fakeLogs) {
	t.Helper()
	return fakeSpans{&fake{}}, &namedMetrics{fakeMetrics: fakeMetrics{&fake{}}, seen: map[string]bool{}}, fakeLogs{&fake{}}
}

// TestCallbacksOfTheProgram has callbacks of instruments that panic and fail: what
// others measure, and the metrics of runs, are exported all the same.
func TestCallbacksOfTheProgram(t *testing.T) {
	t.Parallel()
	spans, metrics, records := newExporters(t)
	p := assemble(Config{Producers: []sdkmetric.Producer{producer{}}}, spans, metrics, records)
	meter := p.MeterProvider().Meter("t")
	for name, callback := range map[string]metric.Int64Callback{
		"panics": func(context.Context, metric.Int64Observer) error { panic("boo") },
		"fails":  func(context.Context, metric.Int64Observer) error { return errors.New("no") },
		"works":  func(_ context.Context, o metric.Int64Observer) error { o.Observe(1); return nil },
	} {
		if _, err := meter.Int64ObservableGauge(name, metric.WithInt64Callback(callback)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.ForceFlush(t.Context()), p.Shutdown(t.Context()), p.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	names := metrics.names()
	if !names["works"] || !names["produced"] {
		t.Errorf("exported %v", names)
	}
	if lost := p.Stats().Metrics.ExportFailed; lost == 0 {
		t.Error("nothing is told of the callbacks that did not work")
	}
}

// TestACallbackThatBlocks holds up nothing but itself.
func TestACallbackThatBlocks(t *testing.T) {
	t.Parallel()
	spans, metrics, records := newExporters(t)
	p := assemble(Config{Producers: []sdkmetric.Producer{producer{}}}, spans, metrics, records)
	release := make(chan struct{})
	_, err := p.MeterProvider().Meter("t").Int64ObservableGauge("blocks", metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
		<-release
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	span(p)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.Shutdown(ctx); err == nil {
		t.Error("it is not told")
	}
	if st := p.Stats(); st.Spans.Exported != 1 || st.Metrics.ExportFailed == 0 || !metrics.names()["produced"] {
		t.Errorf("%+v, %v", st, metrics.names())
	}
	close(release)
}

// TestShutdownWithoutTime counts what it cannot export, and ends all the same.
func TestShutdownWithoutTime(t *testing.T) {
	t.Parallel()
	spans, metrics, records := newExporters(t)
	p := assemble(Config{}, spans, metrics, records)
	span(p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = p.Shutdown(ctx)
	if st := p.Stats().Spans; st.Exported+st.Lost() != 1 || st.Waiting != 0 {
		t.Errorf("%+v", st)
	}
}
