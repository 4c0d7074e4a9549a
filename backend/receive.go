package backend

import (
	"context"
	"fmt"
	"slices"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
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

// BatchReceiver is an [Instance] that takes batches as they came, in place of hooks and
// exports: to keep them, or to hand them on to something that speaks the protocol.
// Hooks still says which events they have.
//
// OnBatch is called as the hooks are, with batches that are valid, in their order and
// each once, also after its acknowledgement was lost. The batch is the instance's to
// keep. Flush follows, after one or several; an error, like one of Flush, says that what
// came since the last Flush is lost.
//
// A batch may come again after a backend was started again.
type BatchReceiver interface {
	OnBatch(ctx context.Context, batch *pb.Batch) error
}

// signaller is an instance of ours that says itself which signals it takes.
type signaller interface{ signals() []pb.Signal }

// signalsOf returns what an instance takes.
func signalsOf(in Instance) (list []pb.Signal) {
	if s, ok := in.(signaller); ok {
		return s.signals()
	}
	_, all := as[BatchReceiver](in)
	if _, ok := as[TracesReceiver](in); ok || all {
		list = append(list, pb.Signal_SIGNAL_TRACES)
	}
	if _, ok := as[MetricsReceiver](in); ok || all {
		list = append(list, pb.Signal_SIGNAL_METRICS)
	}
	if _, ok := as[LogsReceiver](in); ok || all {
		list = append(list, pb.Signal_SIGNAL_LOGS)
	}
	return list
}

// deliver hands a batch to the instance.
func (s *Server) deliver(ctx context.Context, b *pb.Batch) error {
	r, ok := as[BatchReceiver](s.instance)
	if !ok {
		return s.decoder.Deliver(b, s.instance)
	}
	if err := wire.Validate(b); err != nil {
		return err
	}
	return guard("OnBatch", func() error { return r.OnBatch(ctx, b) })
}

// receive hands an export to the instance, if it takes the signal.
func receive(ctx context.Context, in Instance, signal pb.Signal, request []byte) (taken bool, err error) {
	if !slices.Contains(signalsOf(in), signal) {
		return false, nil
	}
	switch signal {
	case pb.Signal_SIGNAL_TRACES:
		if r, ok := as[TracesReceiver](in); ok {
			return true, call(ctx, request, &coltracepb.ExportTraceServiceRequest{}, r.OnTraces)
		}
	case pb.Signal_SIGNAL_METRICS:
		if r, ok := as[MetricsReceiver](in); ok {
			return true, call(ctx, request, &colmetricspb.ExportMetricsServiceRequest{}, r.OnMetrics)
		}
	case pb.Signal_SIGNAL_LOGS:
		if r, ok := as[LogsReceiver](in); ok {
			return true, call(ctx, request, &collogspb.ExportLogsServiceRequest{}, r.OnLogs)
		}
	}
	return false, nil
}

// call reads a request and calls f with it.
func call[M proto.Message](ctx context.Context, data []byte, m M, f func(context.Context, M) error) error {
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("%s cannot be read: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return f(ctx, m)
}
