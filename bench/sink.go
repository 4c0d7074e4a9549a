package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// sinkVariable makes a process a sink, in [ServeSink].
const sinkVariable = "SPANLOOM_BENCH_SINK"

// sink is a collector that takes everything and keeps nothing. It is another
// process, so that what it costs is in no figure.
type sink struct {
	endpoint string
	process  *exec.Cmd
	ask      io.WriteCloser
	answers  *bufio.Reader
}

func newSink() (*sink, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &sink{process: exec.Command(self)} //nolint:forbidigo,noctx // this program; it ends with its input
	s.process.Env = append(os.Environ(), sinkVariable+"=1")
	s.process.Stderr = os.Stderr
	if s.ask, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewReader(out)
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	address, err := s.answers.ReadString('\n')
	s.endpoint = "http://" + strings.TrimSpace(address)
	return s, err
}

// spans returns how many spans have arrived so far.
func (s *sink) spans() (int, error) {
	if _, err := fmt.Fprintln(s.ask); err != nil {
		return 0, err
	}
	line, err := s.answers.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}

func (s *sink) close() error {
	_ = s.ask.Close()
	return s.process.Wait()
}

// ServeSink makes a process that [Telemetry] has started for it the collector
// of the measurement: it returns true when that is over. Call it first in main;
// in any other process it returns false at once.
func ServeSink() bool {
	if os.Getenv(sinkVariable) == "" {
		return false
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true
	}
	var traces traceSink
	server := grpc.NewServer()
	coltracepb.RegisterTraceServiceServer(server, &traces)
	colmetricspb.RegisterMetricsServiceServer(server, metricsSink{})
	collogspb.RegisterLogsServiceServer(server, logsSink{})
	go func() { _ = server.Serve(l) }()
	defer server.Stop()
	fmt.Fprintln(os.Stdout, l.Addr())
	for questions := bufio.NewScanner(os.Stdin); questions.Scan(); {
		fmt.Fprintln(os.Stdout, traces.spans.Load())
	}
	return true
}

type traceSink struct {
	coltracepb.UnimplementedTraceServiceServer

	spans atomic.Int64
}

// Export implements the service.
func (s *traceSink) Export(_ context.Context, r *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	for _, resource := range r.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.spans.Add(int64(len(scope.GetSpans())))
		}
	}
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
