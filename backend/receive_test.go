package backend_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// receiver takes everything and writes down what it was called with.
type receiver struct {
	instance

	calls []string
	fail  error
}

func (r *receiver) OnTraces(_ context.Context, q *coltracepb.ExportTraceServiceRequest) error {
	r.calls = append(r.calls, "traces "+q.GetResourceSpans()[0].GetSchemaUrl())
	return r.fail
}

func (r *receiver) OnMetrics(context.Context, *colmetricspb.ExportMetricsServiceRequest) error {
	r.calls = append(r.calls, "metrics")
	return nil
}

func (r *receiver) OnLogs(context.Context, *collogspb.ExportLogsServiceRequest) error {
	panic("in OnLogs")
}

func (r *receiver) Flush(context.Context) error {
	r.calls = append(r.calls, "flush")
	return nil
}

// exports returns a batch of nothing but exports.
func exports(t *testing.T, seq uint64, list ...*pb.Export) *pb.Batch {
	t.Helper()
	for i, e := range list {
		e.Order = seq*100 + uint64(i)
	}
	return &pb.Batch{Epoch: 5, Seq: seq, Exports: list}
}

func traces(t *testing.T, text string) *pb.Export {
	t.Helper()
	data, err := proto.Marshal(&coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{SchemaUrl: text}}})
	if err != nil {
		t.Fatal(err)
	}
	return &pb.Export{Signal: pb.Signal_SIGNAL_TRACES, Request: data}
}

func TestReceivers(t *testing.T) {
	in := &receiver{}
	c, _ := serve(t, func(backend.Config) (backend.Instance, error) { return in, nil })
	r, err := c.Configure(t.Context(), &pb.ConfigureRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.GetSignals(); !slices.Equal(got, []pb.Signal{pb.Signal_SIGNAL_TRACES, pb.Signal_SIGNAL_METRICS, pb.Signal_SIGNAL_LOGS}) {
		t.Errorf("takes %v", got)
	}
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ack := send(t, s, exports(t, 1, traces(t, "a"), &pb.Export{Signal: pb.Signal_SIGNAL_METRICS}, traces(t, "b"), &pb.Export{Signal: 99}))
	if ack.GetError() != "" {
		t.Error(ack.GetError())
	}
	if got := strings.Join(in.calls, ", "); got != "traces a, metrics, traces b, flush" {
		t.Errorf("called with %s", got)
	}
	for _, tc := range []struct {
		export *pb.Export
		fail   error
		want   string
	}{
		{traces(t, "c"), errors.New("no"), "no"},
		{&pb.Export{Signal: pb.Signal_SIGNAL_TRACES, Request: []byte{0xff}}, nil, "ExportTraceServiceRequest cannot be read"},
		{&pb.Export{Signal: pb.Signal_SIGNAL_LOGS}, nil, "instance panicked over SIGNAL_LOGS: in OnLogs"},
	} {
		in.fail = tc.fail
		if ack := send(t, s, exports(t, ack.GetSeq()+1, tc.export)); !strings.HasPrefix(ack.GetError(), tc.want) {
			t.Errorf("%q, want %q", ack.GetError(), tc.want)
		}
		ack.Seq++
	}
	if h, err := c.Health(t.Context(), &pb.HealthRequest{}); err != nil || h.GetIgnoredExports() != 1 {
		t.Errorf("%v, %v", h, err)
	}
	if ack := send(t, s, exports(t, 1, traces(t, "again"))); ack.GetSeq() != 4 || strings.Contains(strings.Join(in.calls, ""), "again") {
		t.Errorf("a batch that was handled is handled again: %v", in.calls)
	}
}

func TestAnInstanceThatTakesNothing(t *testing.T) {
	c := configured(t, &instance{})
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ack := send(t, s, exports(t, 1, traces(t, "a"), &pb.Export{Signal: pb.Signal_SIGNAL_LOGS})); ack.GetError() != "" || ack.GetSeq() != 1 {
		t.Error(ack)
	}
	if h, err := c.Health(t.Context(), &pb.HealthRequest{}); err != nil || h.GetIgnoredExports() != 2 {
		t.Errorf("%v, %v", h, err)
	}
}
