//go:build unix

package pluginhost

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collogspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

func conn(t *testing.T, hosts ...*Host) *grpc.ClientConn {
	t.Helper()
	c, err := NewConn(hosts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestEveryHostGetsWhatItTakes: one with a full queue, one that is down, and two
// that are well.
func TestEveryHostGetsWhatItTakes(t *testing.T) {
	var one, two spanTaker
	full := start(t, Spec{Name: "full", Launch: neverReady{}, QueueBytes: 1})
	down := start(t, Spec{Name: "down", Launch: &liar{where: "launch"}})
	await(t, 5e9, "down", func() bool { return down.Err() != nil })
	hosts := []*Host{full, one.host(t, 0), down, two.host(t, 0)}
	c := conn(t, hosts...)
	hosts[1] = nil // the connection has a list of its own
	client := coltracepb.NewTraceServiceClient(c)
	var want []string
	for i := range 20 {
		name := fmt.Sprint("span ", i)
		want = append(want, name)
		if _, err := client.Export(t.Context(), spans(name)); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, hosts[3])
	await(t, 5e9, "delivered", func() bool { return len(one.all()) == len(want) })
	for _, got := range [][]string{one.all(), two.all()} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if st := full.Stats(); st.Dropped[QueueFull] != 20 {
		t.Errorf("%+v", st)
	}
	if st := down.Stats(); st.Dropped[BackendDown] != 20 {
		t.Errorf("%+v", st)
	}
	if got := c.GetState(); got != connectivity.Idle {
		t.Errorf("the connection is %s: it was dialled", got)
	}
	_ = full.Shutdown(cancelled(t))
}

func TestOtherMethodsAreUnimplemented(t *testing.T) {
	var in spanTaker
	c := conn(t, in.host(t, 0))
	backend := pb.NewBackendClient(c)
	if _, err := backend.Shutdown(t.Context(), &pb.ShutdownRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("a call: %v", err)
	}
	if _, err := backend.Stream(t.Context()); status.Code(err) != codes.Unimplemented {
		t.Errorf("a stream: %v", err)
	}
}

func TestSignalsHaveTheirMethods(t *testing.T) {
	want := map[string]Signal{
		coltracepb.TraceService_Export_FullMethodName:     Traces,
		colmetricspb.MetricsService_Export_FullMethodName: Metrics,
		collogspb.LogsService_Export_FullMethodName:       Logs,
	}
	if diff := cmp.Diff(want, exportMethods); diff != "" {
		t.Error(diff)
	}
}

func TestNobodyTakesIt(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	ready(t, h)
	logs := collogspb.NewLogsServiceClient(conn(t, h))
	if _, err := logs.Export(t.Context(), &collogspb.ExportLogsServiceRequest{}); err != nil {
		t.Fatal(err)
	}
	if st := h.Stats(); st.Ignored[Logs] != 1 || st.Emitted != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := coltracepb.NewTraceServiceClient(conn(t)).Export(t.Context(), spans("x")); err != nil {
		t.Errorf("without hosts: %v", err)
	}
}

// TestCanceledCalls: a program that is being cancelled tells about it too.
func TestCanceledCalls(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	if _, err := coltracepb.NewTraceServiceClient(conn(t, h)).Export(cancelled(t), spans("x")); err != nil {
		t.Fatal(err)
	}
	flush(t, h)
	if got := in.all(); !slices.Equal(got, []string{"x"}) {
		t.Errorf("%q arrived", got)
	}
}

// TestPieces: whatever a request is like, its pieces hold what it held, in order,
// and are no larger than they may be unless they hold one span.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		request := &coltracepb.ExportTraceServiceRequest{}
		n := 0
		for range rapid.IntRange(0, 3).Draw(t, "resources") {
			rs := &tracepb.ResourceSpans{SchemaUrl: "resource"}
			for range rapid.IntRange(0, 3).Draw(t, "scopes") {
				ss := &tracepb.ScopeSpans{SchemaUrl: "scope"}
				for range rapid.IntRange(0, 6).Draw(t, "spans") {
					n++
					size := rapid.SampledFrom([]int{0, 10, 80, 300}).Draw(t, "size")
					ss.Spans = append(ss.Spans, &tracepb.Span{Name: fmt.Sprint(n, strings.Repeat("x", size))})
				}
				rs.ScopeSpans = append(rs.ScopeSpans, ss)
			}
			request.ResourceSpans = append(request.ResourceSpans, rs)
		}
		before := proto.Clone(request)
		const limit = 200
		var names []string
		for data, err := range pieces(request, limit) {
			if err != nil {
				t.Fatal(err)
			}
			var piece coltracepb.ExportTraceServiceRequest
			if err := proto.Unmarshal(data, &piece); err != nil {
				t.Fatal(err)
			}
			inside := 0
			for _, rs := range piece.GetResourceSpans() {
				for _, ss := range rs.GetScopeSpans() {
					for _, sp := range ss.GetSpans() {
						if rs.GetSchemaUrl() != "resource" || ss.GetSchemaUrl() != "scope" {
							t.Fatal("a span has lost what is around it")
						}
						names = append(names, sp.GetName())
						inside++
					}
				}
			}
			if len(data) > limit && inside > 1 {
				t.Fatalf("a piece of %d bytes with %d spans", len(data), inside)
			}
		}
		if len(names) != n {
			t.Fatalf("%d spans of %d", len(names), n)
		}
		for i, name := range names {
			if !strings.HasPrefix(name, fmt.Sprint(i+1)) {
				t.Fatalf("span %d is %q", i+1, name)
			}
		}
		if diff := cmp.Diff(before, proto.Message(request), protocmp.Transform()); diff != "" {
			t.Fatal("the request was changed", diff)
		}
	})
}

// TestInvalidText: one string that is not UTF-8 does not take the others with it.
func TestInvalidText(t *testing.T) {
	var in spanTaker
	h := in.host(t, 0)
	request := spans("a\xff", "b")
	request.ResourceSpans[0].SchemaUrl = "\xff"
	if _, err := coltracepb.NewTraceServiceClient(conn(t, h)).Export(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	flush(t, h)
	if got := in.all(); !slices.Equal(got, []string{"a\uFFFD", "b"}) {
		t.Errorf("%q arrived", got)
	}
	if request.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName() != "a\xff" {
		t.Error("the exporter's request was changed")
	}
}

// cancelled returns a context that has ended.
func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
