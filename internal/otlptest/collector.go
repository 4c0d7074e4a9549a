// Package otlptest is a collector for tests: it takes OTLP over gRPC or HTTP on
// a loopback address, with TLS by an authority of its own or without.
package otlptest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// Collector keeps what it is sent.
type Collector struct {
	coltracepb.UnimplementedTraceServiceServer

	// Endpoint is its URL.
	Endpoint string
	// Reply answers an export of spans. Defaults to an empty reply.
	Reply func(context.Context) (*coltracepb.ExportTraceServiceResponse, error)

	mu       sync.Mutex
	requests []*coltracepb.ExportTraceServiceRequest
	metrics  []*colmetricspb.ExportMetricsServiceRequest
	logs     []*collogspb.ExportLogsServiceRequest
	headers  metadata.MD
}

// metricsService and logsService have other Exports.
type metricsService struct {
	colmetricspb.UnimplementedMetricsServiceServer

	*Collector
}

func (s metricsService) Export(ctx context.Context, r *colmetricspb.ExportMetricsServiceRequest) (*colmetricspb.ExportMetricsServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metrics = append(s.metrics, r)
	s.headers, _ = metadata.FromIncomingContext(ctx)
	return &colmetricspb.ExportMetricsServiceResponse{}, nil
}

type logsService struct {
	collogspb.UnimplementedLogsServiceServer

	*Collector
}

func (s logsService) Export(ctx context.Context, r *collogspb.ExportLogsServiceRequest) (*collogspb.ExportLogsServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs = append(s.logs, r)
	s.headers, _ = metadata.FromIncomingContext(ctx)
	return &collogspb.ExportLogsServiceResponse{}, nil
}

// Start starts a collector, which ends with the test. Set reply before any
// export; nil means an empty reply.
func Start(t *testing.T, reply func(context.Context) (*coltracepb.ExportTraceServiceResponse, error), opts ...grpc.ServerOption) *Collector {
	t.Helper()
	return StartOn(t, listen(t), reply, opts...)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// StartOn is Start with a listener that is there already.
func StartOn(t *testing.T, l net.Listener, reply func(context.Context) (*coltracepb.ExportTraceServiceResponse, error), opts ...grpc.ServerOption) *Collector {
	t.Helper()
	return serve(t, l, reply, func(s *grpc.Server, c *Collector) {
		coltracepb.RegisterTraceServiceServer(s, c)
		colmetricspb.RegisterMetricsServiceServer(s, metricsService{Collector: c})
		collogspb.RegisterLogsServiceServer(s, logsService{Collector: c})
	}, opts...)
}

func serve(t *testing.T, l net.Listener, reply func(context.Context) (*coltracepb.ExportTraceServiceResponse, error), register func(*grpc.Server, *Collector), opts ...grpc.ServerOption) *Collector {
	t.Helper()
	c := &Collector{Endpoint: "http://" + l.Addr().String(), Reply: reply}
	s := grpc.NewServer(opts...)
	register(s, c)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		s.Stop()
		wg.Wait()
	})
	return c
}

// StartTraces starts a collector that takes spans and knows no other signal, as a Jaeger
// does.
func StartTraces(t *testing.T) *Collector {
	t.Helper()
	return serve(t, listen(t), nil, func(s *grpc.Server, c *Collector) { coltracepb.RegisterTraceServiceServer(s, c) })
}

// Refused returns the URL of an address where nothing listens.
func Refused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

// Listen listens at an address where somebody did before: a connection of somebody else
// may have its port for a moment.
func Listen(t *testing.T, address string) net.Listener {
	t.Helper()
	for give := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		l, err := net.Listen("tcp", address)
		if err == nil {
			return l
		}
		if time.Now().After(give) {
			t.Fatal(err)
		}
	}
}

// Export implements the OTLP trace service.
func (c *Collector) Export(ctx context.Context, req *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	c.requests = append(c.requests, req)
	c.headers, _ = metadata.FromIncomingContext(ctx)
	c.mu.Unlock()
	if c.Reply != nil {
		return c.Reply(ctx)
	}
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

// Headers returns the headers of the last export.
func (c *Collector) Headers() metadata.MD {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers
}

// Count returns how many exports there were.
func (c *Collector) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.requests)
}

// Resources returns what was sent so far.
func (c *Collector) Resources() []*tracepb.ResourceSpans {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*tracepb.ResourceSpans
	for _, r := range c.requests {
		list = append(list, r.GetResourceSpans()...)
	}
	return list
}

// Spans returns the spans that were sent so far, by name.
func (c *Collector) Spans() map[string]*tracepb.Span {
	spans := map[string]*tracepb.Span{}
	for _, sp := range c.AllSpans() {
		spans[sp.GetName()] = sp
	}
	return spans
}

// AllSpans returns the spans that were sent so far, in order.
func (c *Collector) AllSpans() (list []*tracepb.Span) {
	for _, r := range c.Resources() {
		for _, s := range r.GetScopeSpans() {
			list = append(list, s.GetSpans()...)
		}
	}
	return list
}

// Metrics returns the metrics that were sent so far, by name: the last of each.
func (c *Collector) Metrics() map[string]*metricspb.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	metrics := map[string]*metricspb.Metric{}
	for _, q := range c.metrics {
		for _, r := range q.GetResourceMetrics() {
			for _, s := range r.GetScopeMetrics() {
				for _, m := range s.GetMetrics() {
					metrics[m.GetName()] = m
				}
			}
		}
	}
	return metrics
}

// Records returns the log records that were sent so far, in order.
func (c *Collector) Records() (list []*logspb.LogRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range c.logs {
		for _, r := range q.GetResourceLogs() {
			for _, s := range r.GetScopeLogs() {
				list = append(list, s.GetLogRecords()...)
			}
		}
	}
	return list
}

// Requests returns how many exports of each signal came so far.
func (c *Collector) Requests() (traces, metrics, logs int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.requests), len(c.metrics), len(c.logs)
}
