package otlpclient

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/internal/otlptest"
)

// large is a request of n spans of 100 KiB each.
func large(n int) *coltracepb.ExportTraceServiceRequest {
	r := spans(n)
	for _, s := range r.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans() {
		s.Name = strings.Repeat("x", 100<<10)
	}
	return r
}

// TestLargeRequests: whatever its size, a request arrives at a server that takes what
// gRPC servers take.
func TestLargeRequests(t *testing.T) {
	collector := otlptest.Start(t, nil)
	c := overGRPCTo(t, collector.Endpoint, "10s")
	if err := c.Send(t.Context(), large(700)); err != nil { // 68 MiB
		t.Fatal(err)
	}
	if got := len(collector.AllSpans()); got != 700 || collector.Count() < 17 {
		t.Errorf("%d spans in %d requests", got, collector.Count())
	}
}

// TestAPartIsLost: the others arrive, and the error says how much did not.
func TestAPartIsLost(t *testing.T) {
	var calls atomic.Int64
	c := overGRPCTo(t, otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		switch calls.Add(1) {
		case 2:
			return nil, status.Error(codes.InvalidArgument, "not these")
		case 3:
			return &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: 3, ErrorMessage: "nor those"}}, nil
		default:
			return &coltracepb.ExportTraceServiceResponse{}, nil
		}
	}).Endpoint, "10s")
	err := c.Send(t.Context(), large(128)) // halved to four parts of 32
	want := "export to " + c.settings.Endpoint.String() + ": 35 of 128 spans not exported: InvalidArgument (not these)"
	if err == nil || err.Error() != want || calls.Load() != 4 {
		t.Errorf("%v, after %d requests; want %s", err, calls.Load(), want)
	}
	if e, ok := err.(*Error); !ok || e.Rejected != 35 || e.Sent != 128 { //nolint:errorlint // it is returned as it is
		t.Errorf("%#v", err)
	}
}

// TestAllPartsAreLost: the cause is told once.
func TestAllPartsAreLost(t *testing.T) {
	c := overGRPCTo(t, otlptest.Refused(t), "500ms")
	err := c.Send(t.Context(), large(128))
	if err == nil || strings.Count(err.Error(), "connection refused") != 1 || strings.Contains(err.Error(), "lost") {
		t.Error(err)
	}
}
