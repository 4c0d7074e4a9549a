package metrics_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	pb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
	"github.com/spanloom/spanloom/propagation"
)

// receiver is an OTLP server that keeps what it gets.
type receiver struct {
	collector.UnimplementedMetricsServiceServer

	mu   sync.Mutex
	last *collector.ExportMetricsServiceRequest
}

func (r *receiver) Export(_ context.Context, req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = req
	return &collector.ExportMetricsServiceResponse{}, nil
}

// scopes returns what came last, by the names of scopes and metrics.
func (r *receiver) scopes() map[string]map[string]*pb.Metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string]map[string]*pb.Metric{}
	for _, s := range r.last.GetResourceMetrics()[0].GetScopeMetrics() {
		all[s.GetScope().GetName()] = map[string]*pb.Metric{}
		for _, m := range s.GetMetrics() {
			all[s.GetScope().GetName()][m.GetName()] = m
		}
	}
	return all
}

// serve starts a receiver and returns an exporter that sends to it.
func serve(t *testing.T) (*receiver, sdkmetric.Exporter) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, server := &receiver{}, grpc.NewServer()
	collector.RegisterMetricsServiceServer(server, r)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() { server.Stop(); <-done })
	exporter, err := otlpmetricgrpc.New(t.Context(),
		otlpmetricgrpc.WithInsecure(), otlpmetricgrpc.WithEndpoint(listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	return r, exporter
}

// TestOTLP exports to a real server: metrics of runs, of node code and of the
// process.
func TestOTLP(t *testing.T) {
	t.Parallel()
	server, exporter := serve(t)
	m, err := metrics.New(metrics.Config{
		Exporters: []sdkmetric.Exporter{exporter}, Interval: time.Hour,
		Resource: resource.NewSchemaless(),
	})
	if err != nil {
		t.Fatal(err)
	}
	read := engine.Node("read", func(ctx context.Context, n int) (int, error) {
		rows, err := metrics.FromContext(ctx).Counter("rows.read", "{row}", "table")
		rows.Add(ctx, float64(n), "users")
		return n, err
	})
	p := engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, read, n)
	})
	cfg := engine.Config{Callbacks: []callbacks.PipelineCallback{m, spans{}}}
	for range 3 {
		if _, err := p.Run(t.Context(), 5, cfg); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := server.scopes()

	own := all["github.com/spanloom/spanloom"]
	if got := own["spanloom.pipeline.run.duration"].GetHistogram(); got.GetAggregationTemporality() != pb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE ||
		got.GetDataPoints()[0].GetCount() != 3 || len(got.GetDataPoints()[0].GetExplicitBounds()) != 15 {
		t.Errorf("runs: %v", got)
	}
	point := own["spanloom.node.duration"].GetHistogram().GetDataPoints()[0]
	if len(point.GetExemplars()) == 0 { // one for each bucket that the three fell into
		t.Error("nodes have no exemplars")
	}
	for _, e := range point.GetExemplars() {
		if len(e.GetTraceId()) != 16 || len(e.GetSpanId()) != 8 {
			t.Errorf("nodes have the exemplar %v", e)
		}
	}
	if start, end := point.GetStartTimeUnixNano(), point.GetTimeUnixNano(); start == 0 || end <= start {
		t.Errorf("the series is from %d to %d", start, end)
	}
	rows := all["github.com/spanloom/spanloom/metrics"]["rows.read"].GetSum().GetDataPoints()[0]
	if rows.GetAsDouble() != 15 || rows.GetAttributes()[0].GetKey() != "table" || len(rows.GetExemplars()) == 0 {
		t.Errorf("node code counted %v", rows)
	}
	for scope, names := range map[string][]string{
		"github.com/spanloom/spanloom/metrics":                {"process.cpu.time", "process.memory.usage"},
		"go.opentelemetry.io/contrib/instrumentation/runtime": {"go.memory.used", "go.goroutine.count", "go.memory.allocated"},
	} {
		for _, name := range names {
			if all[scope][name] == nil && (name != "process.memory.usage" || onLinux) {
				t.Errorf("%s has no %s", scope, name)
			}
		}
	}
	server.mu.Lock()
	for _, s := range server.last.GetResourceMetrics()[0].GetScopeMetrics() {
		if strings.HasPrefix(s.GetScope().GetName(), "github.com/spanloom") && (s.GetScope().GetVersion() == "" || !strings.HasPrefix(s.GetSchemaUrl(), "https://opentelemetry.io/schemas/")) {
			t.Errorf("%s has version %q and schema %q", s.GetScope().GetName(), s.GetScope().GetVersion(), s.GetSchemaUrl())
		}
	}
	server.mu.Unlock()

	// What is counted after the flush goes with the shutdown.
	if _, err := p.Run(t.Context(), 5, cfg); err != nil {
		t.Fatal(err)
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown returns %v", err)
	}
	if err := m.Flush(t.Context()); err != nil {
		t.Errorf("Flush after Shutdown returns %v", err)
	}
	if got := server.scopes()["github.com/spanloom/spanloom"]["spanloom.node.duration"].GetHistogram().GetDataPoints()[0].GetCount(); got != 4 {
		t.Errorf("%d nodes after the shutdown, want 4", got)
	}
	if s := m.Stats(); s.Exports != 2 || s.Failed != 0 || s.Err != nil {
		t.Errorf("stats: %+v", s)
	}
}

// spans puts the spans of runs into contexts, so that the SDK's own exemplars
// lead to them.
type spans struct {
	callbacks.Base
	propagation.OTel
}

func (spans) Hooks() callbacks.Hook { return 0 }

// broken is an exporter that cannot export.
type broken struct {
	sdkmetric.Exporter
	export func(context.Context) error
}

func (broken) Temporality(k sdkmetric.InstrumentKind) metricdata.Temporality {
	return sdkmetric.DefaultTemporalitySelector(k)
}

func (broken) Aggregation(k sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(k)
}
func (broken) ForceFlush(context.Context) error { return nil }
func (broken) Shutdown(context.Context) error   { panic("no") }
func (b broken) Export(ctx context.Context, _ *metricdata.ResourceMetrics) error {
	return b.export(ctx)
}

// TestExportersThatFail holds that a run and the other exporter do not notice, and
// that the program can see it.
func TestExportersThatFail(t *testing.T) {
	t.Parallel()
	server, good := serve(t)
	m, err := metrics.New(metrics.Config{Interval: time.Hour, Exporters: []sdkmetric.Exporter{
		broken{export: func(context.Context) error { return errors.New("no route") }},
		good,
		broken{export: func(context.Context) error { panic("oops") }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := chain()
	if _, err := p.Run(t.Context(), 0, engine.Config{Callbacks: []callbacks.PipelineCallback{m}}); err != nil {
		t.Fatal(err)
	}
	err = m.Flush(t.Context())
	if want := "no route\nmetrics: the exporter panicked: oops"; err == nil || err.Error() != want {
		t.Errorf("Flush returns %v, want %s", err, want)
	}
	if s := m.Stats(); s.Exports != 3 || s.Failed != 2 || s.Err == nil {
		t.Errorf("stats: %+v", s)
	}
	if server.scopes()["github.com/spanloom/spanloom"]["spanloom.node.duration"] == nil {
		t.Error("the exporter that works got nothing")
	}
	want := []string{"spanloom.errors error.type=*errors.errorString,spanloom.component=exporter = 2"}
	if got := slices.DeleteFunc(lines(t, m), func(s string) bool { return !strings.HasPrefix(s, "spanloom.errors") }); !cmp.Equal(want, got) {
		t.Errorf("the failures are counted as %v", got)
	}
	if err := m.Shutdown(t.Context()); err == nil {
		t.Error("Shutdown does not tell of an exporter that panics")
	}
}

// TestExporterThatRecovers holds that only the latest export counts for the state.
func TestExporterThatRecovers(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	m, err := metrics.New(metrics.Config{Interval: time.Hour, Exporters: []sdkmetric.Exporter{
		broken{export: func(context.Context) error { return down }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Flush(t.Context()); !errors.Is(err, down) || !errors.Is(m.Stats().Err, down) {
		t.Errorf("Flush returns %v, and the state is %v", err, m.Stats().Err)
	}
	down = nil
	if err := m.Flush(t.Context()); err != nil {
		t.Errorf("Flush returns %v", err)
	}
	if s := m.Stats(); s.Exports != 2 || s.Failed != 1 || s.Err != nil {
		t.Errorf("stats: %+v", s)
	}
	_ = m.Shutdown(t.Context())
}

// TestShutdownReturns holds that an exporter that hangs cannot hold the program.
func TestShutdownReturns(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	m, err := metrics.New(metrics.Config{Exporters: []sdkmetric.Exporter{
		broken{export: func(context.Context) error { <-release; return nil }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*ms)
	defer cancel()
	if err := m.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returns %v", err)
	}
	close(release)
}

// TestJoinsAProvider is how a program with its own provider uses the callback.
func TestJoinsAProvider(t *testing.T) {
	t.Parallel()
	m := open(t)
	if m.MeterProvider() != nil || m.Flush(t.Context()) != nil || m.Shutdown(t.Context()) != nil {
		t.Error("without exporters there is something to shut down")
	}
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(m))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	node := engine.Node("n", func(ctx context.Context, n int) (int, error) {
		g, err := metrics.FromContext(ctx).Gauge("size", "By")
		g.Set(ctx, 7)
		return n, err
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, node, n) })
	ctx := context.WithValue(t.Context(), metrics.ProviderKey{}, provider)
	if _, err := p.Run(ctx, 1, engine.Config{Callbacks: []callbacks.PipelineCallback{m}}); err != nil {
		t.Fatal(err)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range data.ScopeMetrics {
		for _, one := range s.Metrics {
			names = append(names, one.Name)
		}
	}
	slices.Sort(names)
	want := []string{
		"size", "spanloom.node.active", "spanloom.node.duration", "spanloom.node.queue.duration", "spanloom.pipeline.run.active", "spanloom.pipeline.run.duration",
		"spanloom.worker.limit", "spanloom.worker.queue.size", "spanloom.worker.usage",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNilExporter(t *testing.T) {
	t.Parallel()
	_, err := metrics.New(metrics.Config{Exporters: []sdkmetric.Exporter{nil}})
	if want := "metrics: Config.Exporters[0] is nil; leave it out"; err == nil || err.Error() != want {
		t.Errorf("New returns %v, want %s", err, want)
	}
}
