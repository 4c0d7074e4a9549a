package otlptrace

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/pace"
	"github.com/spanloom/spanloom/plugins/internal/otlpclient"
)

// sent is a client that keeps what it is given.
type sent struct {
	mu   sync.Mutex
	list []proto.Message
	err  error
	wait chan struct{} // closed by the flush of the spans of runs
}

func (s *sent) Send(_ context.Context, request proto.Message) error {
	if s.wait != nil {
		<-s.wait
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, proto.Clone(request))
	return s.err
}

func (*sent) Doing() string { return "" }

// runs is the instance that exports the spans of runs.
type runs struct {
	callbacks.Base

	flush func() error
	calls []string
}

func (*runs) Hooks() callbacks.Hook { return callbacks.HookNodeEnd }

func (r *runs) Flush(context.Context) error {
	r.calls = append(r.calls, "flush")
	if r.flush != nil {
		return r.flush()
	}
	return nil
}

func (r *runs) Close(context.Context) error {
	r.calls = append(r.calls, "close")
	return nil
}

// all is what takes every signal.
type all interface {
	backend.Instance
	backend.TracesReceiver
	backend.MetricsReceiver
	backend.LogsReceiver
}

func forwardTraces(in backend.Instance, client sender) *forwarding {
	return &forwarding{Instance: in, client: client, pace: pace.New(0), ready: func() int { return 0 }, fate: func() fate { return fate{} }}
}

func forwardAll(in backend.Instance, client sender) all {
	return forwardingAll{forwardTraces(in, client)}
}

// give hands an instance two requests of spans, one of metrics and one of logs.
func give(t *testing.T, in all) {
	t.Helper()
	err := errors.Join(
		in.OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{SchemaUrl: "a"}}}),
		in.OnTraces(t.Context(), &coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{SchemaUrl: "b"}}}),
		in.OnMetrics(t.Context(), &colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{SchemaUrl: "m"}}}),
		in.OnLogs(t.Context(), &collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{SchemaUrl: "l"}}}))
	if err != nil {
		t.Fatal(err)
	}
}

// TestForward: what came goes on unchanged with Flush, in one request of a signal,
// and once.
func TestForward(t *testing.T) {
	client, inner := &sent{}, &runs{}
	in := forwardAll(inner, client)
	give(t, in)
	if len(client.list) > 0 {
		t.Error("sent before Flush")
	}
	if err := errors.Join(in.Flush(t.Context()), in.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := []proto.Message{
		&collogspb.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{SchemaUrl: "l"}}},
		&colmetricspb.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{SchemaUrl: "m"}}},
		&coltracepb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{SchemaUrl: "a"}, {SchemaUrl: "b"}}},
	}
	slices.SortFunc(client.list, func(a, b proto.Message) int {
		return strings.Compare(string(a.ProtoReflect().Descriptor().Name()), string(b.ProtoReflect().Descriptor().Name()))
	})
	if diff := cmp.Diff(want, client.list, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +sent)\n%s", diff)
	}
	if got := callbacks.Interest(in); got != callbacks.HookNodeEnd {
		t.Errorf("wants %s", got)
	}
}

// TestForwardBesideRuns: the exports do not wait for each other.
func TestForwardBesideRuns(t *testing.T) {
	client := &sent{wait: make(chan struct{})}
	in := forwardAll(&runs{flush: func() error { close(client.wait); return nil }}, client)
	give(t, in)
	if err := in.Flush(t.Context()); err != nil || len(client.list) != 3 {
		t.Errorf("%v, %d sent", err, len(client.list))
	}
}

func TestForwardErrors(t *testing.T) {
	away := errors.New("away")
	client, inner := &sent{err: away}, &runs{flush: func() error { return away }}
	in := forwardAll(inner, client)
	give(t, in)
	if err := in.Flush(t.Context()); err == nil || err.Error() != "away" {
		t.Errorf("Flush: %v, want one cause", err)
	}
	client.err, inner.flush = nil, nil
	if err := in.Flush(t.Context()); err != nil || len(client.list) != 3 {
		t.Errorf("what was lost is tried again: %v, %d sent", err, len(client.list))
	}
}

// TestForwardBlames: what is lost is that of the requests that failed, and no more.
func TestForwardBlames(t *testing.T) {
	for name, c := range map[string]struct {
		client error
		runs   error
		spans  fate
		want   backend.Losses
	}{
		"requests":          {errors.New("away"), nil, fate{}, backend.Losses{Traces: 2, Metrics: 1, Logs: 1}},
		"some of the runs":  {nil, errors.New("away"), fate{9, 7}, backend.Losses{Hooks: 7}},
		"all":               {errors.New("away"), errors.New("away"), fate{0, 7}, backend.Losses{Hooks: math.MaxInt, Traces: 2, Metrics: 1, Logs: 1}},
		"half of a request": {&otlpclient.Error{Rejected: 5, Sent: 10}, nil, fate{}, backend.Losses{Traces: 1, Metrics: 1, Logs: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := forwardTraces(&runs{flush: func() error { return c.runs }}, &sent{err: c.client})
			f.fate = func() fate { return c.spans }
			in := forwardingAll{f}
			give(t, in)
			e, ok := errors.AsType[interface {
				error
				Lost() backend.Losses
			}](in.Flush(t.Context()))
			if !ok || e.Lost() != c.want {
				t.Errorf("%v, want %+v lost", e, c.want)
			}
		})
	}
}

// TestForwardAtClose: what is left goes before the instance ends, and its client
// with it.
func TestForwardAtClose(t *testing.T) {
	client, inner := &sent{}, &runs{}
	in := forwardAll(inner, client)
	give(t, in)
	if err := in.Close(t.Context()); err != nil || len(client.list) != 3 {
		t.Errorf("%v, %d sent", err, len(client.list))
	}
	if !slices.Equal(inner.calls, []string{"close"}) {
		t.Errorf("called %v", inner.calls)
	}
}

func TestTracesOnly(t *testing.T) {
	var in backend.Instance = forwardTraces(&runs{}, &sent{})
	_, traces := in.(backend.TracesReceiver)
	_, metrics := in.(backend.MetricsReceiver)
	if _, logs := in.(backend.LogsReceiver); !traces || metrics || logs {
		t.Errorf("traces %t, metrics %t, log records %t", traces, metrics, logs)
	}
}
