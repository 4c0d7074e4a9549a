package backend

import (
	"context"
	"errors"
	"fmt"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// TracesReceiver is an [Instance] that takes the spans which the program makes
// with OpenTelemetry, inside nodes and elsewhere.
//
// OnTraces is called as the hooks are, by the same goroutine and at its place
// among them. The request is the instance's to keep. An error, like one of Flush,
// says that what came since the last Flush is lost; ctx is Flush's too.
//
// A request may come again after a backend was started again, with the same span
// ids.
type TracesReceiver interface {
	OnTraces(ctx context.Context, request *coltracepb.ExportTraceServiceRequest) error
}

// MetricsReceiver is an [Instance] that takes the program's metrics, as
// TracesReceiver takes spans. Sums and histograms are cumulative since the
// program's start.
type MetricsReceiver interface {
	OnMetrics(ctx context.Context, request *colmetricspb.ExportMetricsServiceRequest) error
}

// LogsReceiver is an [Instance] that takes the program's log records, as
// TracesReceiver takes spans. A record that was made in a node has the trace and
// span ids of that, and comes between the hooks of its start and its end.
type LogsReceiver interface {
	OnLogs(ctx context.Context, request *collogspb.ExportLogsServiceRequest) error
}

// signalsOf returns what an instance takes.
func signalsOf(in Instance) (list []pb.Signal) {
	if _, ok := in.(TracesReceiver); ok {
		list = append(list, pb.Signal_SIGNAL_TRACES)
	}
	if _, ok := in.(MetricsReceiver); ok {
		list = append(list, pb.Signal_SIGNAL_METRICS)
	}
	if _, ok := in.(LogsReceiver); ok {
		list = append(list, pb.Signal_SIGNAL_LOGS)
	}
	return list
}

// receive hands an export to the instance, if it takes the signal.
func receive(ctx context.Context, in Instance, signal pb.Signal, request []byte) (taken bool, err error) {
	switch signal {
	case pb.Signal_SIGNAL_TRACES:
		if r, ok := in.(TracesReceiver); ok {
			return true, call(ctx, request, &coltracepb.ExportTraceServiceRequest{}, r.OnTraces)
		}
	case pb.Signal_SIGNAL_METRICS:
		if r, ok := in.(MetricsReceiver); ok {
			return true, call(ctx, request, &colmetricspb.ExportMetricsServiceRequest{}, r.OnMetrics)
		}
	case pb.Signal_SIGNAL_LOGS:
		if r, ok := in.(LogsReceiver); ok {
			return true, call(ctx, request, &collogspb.ExportLogsServiceRequest{}, r.OnLogs)
		}
	}
	return false, nil
}

// errUnreadable is what is wrong with a request that no protobuf library reads.
var errUnreadable = errors.New("cannot be read")

// call reads a request and calls f with it.
func call[M proto.Message](ctx context.Context, data []byte, m M, f func(context.Context, M) error) error {
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("%s %w: %w", m.ProtoReflect().Descriptor().Name(), errUnreadable, err)
	}
	return f(ctx, m)
}
