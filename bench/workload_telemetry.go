package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/telemetry"
)

// Telemetry returns W1 with what listens to it switched on, one at a time. What
// is measured is the time of the run; what the backend takes afterwards is not.
// The returned function ends what was started.
func Telemetry(s Sizes) ([]Workload, func() error, error) {
	var list []Workload
	sink, err := newSink()
	if err != nil {
		return nil, nil, err
	}
	ends := []func() error{sink.close}
	for _, b := range []struct{ plugin, config string }{
		{"console", "{}"},
		{"otlp", fmt.Sprintf("{ endpoint: %q }", sink.endpoint)},
	} {
		tel, err := open(b.plugin, b.config)
		if err != nil {
			return nil, nil, err
		}
		ends = append(ends, func() error { return tel.Shutdown(context.Background()) })
		list = append(list, Workload{
			Name: chainName, Engine: Spanloom + "+" + b.plugin, Nodes: s.Chain,
			Make: flushing(tel, chainJob(s.Chain, listeningChain(tel.Callbacks()...))),
		})
	}
	spans := telemetry.NewCallback(telemetry.Exporters{Spans: nowhere{}})
	ends = append(ends, func() error { return spans.Shutdown(context.Background()) })
	list = append(list, Workload{
		Name: chainName, Engine: unsampledName, Nodes: s.Chain,
		Make: chainJob(s.Chain, listeningChain(telemetry.Sampler{}, spans)),
	})
	return list, func() error {
		var errs []error
		for i := range ends {
			errs = append(errs, ends[len(ends)-1-i]())
		}
		return errors.Join(errs...)
	}, nil
}

// unsampledName makes spans, but not of the runs that are measured.
const unsampledName = Spanloom + "+unsampled"

// nowhere is an exporter that is not called.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	return errors.New("a run was sampled")
}

func (nowhere) Shutdown(context.Context) error { return nil }

// flushing has a job's check wait until the backends have everything.
func flushing(tel *spanloom.Telemetry, makeJob func() (Job, error)) func() (Job, error) {
	return func() (Job, error) {
		j, err := makeJob()
		check := j.Check
		j.Check = func() error { return errors.Join(check(), tel.Flush(context.Background())) }
		return j, err
	}
}

func open(plugin, config string) (*spanloom.Telemetry, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "spanloom.yaml")
	text := fmt.Sprintf("version: \"1\"\ntelemetry:\n  backends:\n    - plugin: %s\n      config: %s\n", plugin, config)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	// The console's trees would hide the table.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	os.Stderr = null
	return spanloom.Open(context.Background(), spanloom.WithManifest(path))
}

// sink is a collector that takes everything and keeps nothing.
type sink struct {
	coltracepb.UnimplementedTraceServiceServer

	server   *grpc.Server
	endpoint string
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return nil, err
	}
	s := &sink{server: grpc.NewServer(), endpoint: "http://" + l.Addr().String()}
	coltracepb.RegisterTraceServiceServer(s.server, s)
	colmetricspb.RegisterMetricsServiceServer(s.server, metricsSink{})
	collogspb.RegisterLogsServiceServer(s.server, logsSink{})
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *sink) close() error {
	s.server.Stop()
	return nil
}

// Export implements the service.
func (s *sink) Export(context.Context, *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

type metricsSink struct {
	colmetricspb.UnimplementedMetricsServiceServer
}

// Export implements the service.
func (metricsSink) Export(context.Context, *colmetricspb.ExportMetricsServiceRequest) (*colmetricspb.ExportMetricsServiceResponse, error) {
	return &colmetricspb.ExportMetricsServiceResponse{}, nil
}

type logsSink struct {
	collogspb.UnimplementedLogsServiceServer
}

// Export implements the service.
func (logsSink) Export(context.Context, *collogspb.ExportLogsServiceRequest) (*collogspb.ExportLogsServiceResponse, error) {
	return &collogspb.ExportLogsServiceResponse{}, nil
}
