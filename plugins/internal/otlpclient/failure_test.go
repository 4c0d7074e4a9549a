package otlpclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/otlptest"
)

const (
	unknown = pb.Failure_FAILURE_UNSPECIFIED
	away    = pb.Failure_FAILURE_AWAY
	refused = pb.Failure_FAILURE_REFUSED
)

// kind sends spans, and wants a kind of failure.
func kind(t *testing.T, name, endpoint, protocol string, want pb.Failure) {
	t.Helper()
	c := open(t, map[string]any{"endpoint": endpoint, "protocol": protocol, "timeout": "150ms"})
	e, ok := errors.AsType[*Error](c.Send(t.Context(), spans(3)))
	if !ok || e.Failure() != want {
		t.Errorf("%s over %s: %v is %s, want %s", name, protocol, e, e.Failure(), want)
	}
}

// TestKindsOfFailure: only an answer about this very request is a refusal.
func TestKindsOfFailure(t *testing.T) {
	t.Parallel()
	told, err := status.New(codes.ResourceExhausted, "").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(1)})
	if err != nil {
		t.Fatal(err)
	}
	kind(t, "connection refused", otlptest.Refused(t), "grpc", away)
	kind(t, "connection refused", otlptest.Refused(t), "http/protobuf", away)
	kind(t, "no such host", "https://no.such.host.invalid:4317", "grpc", away)
	kind(t, "no such host", "https://no.such.host.invalid:4318", "http/protobuf", away)
	kind(t, "no TLS", "https"+otlptest.Start(t, nil).Endpoint[len("http"):], "grpc", away)
	kind(t, "another protocol", otlptest.StartHTTP(t, nil, nil).Endpoint, "grpc", away)
	for _, tt := range []struct {
		err  error
		want pb.Failure
	}{
		{context.DeadlineExceeded, away},
		{status.Error(codes.Unavailable, ""), away},
		{status.Error(codes.DeadlineExceeded, ""), away},
		{status.Error(codes.ResourceExhausted, "slow down"), away},
		{told.Err(), away},
		{status.Error(codes.Unauthenticated, ""), away},
		{status.Error(codes.PermissionDenied, ""), away},
		{status.Error(codes.InvalidArgument, ""), refused},
		{status.Error(codes.ResourceExhausted, "grpc: received message larger than max (5 vs. 4)"), refused},
		{status.Error(codes.Unimplemented, ""), unknown},
		{status.Error(codes.Internal, ""), unknown},
		{status.Error(codes.Unknown, ""), unknown},
	} {
		c := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) { return nil, tt.err })
		kind(t, fmt.Sprint(tt.err), c.Endpoint, "grpc", tt.want)
	}
	part := otlptest.Start(t, func(context.Context) (*coltracepb.ExportTraceServiceResponse, error) {
		return &coltracepb.ExportTraceServiceResponse{PartialSuccess: &coltracepb.ExportTracePartialSuccess{RejectedSpans: 1}}, nil
	})
	kind(t, "partial success", part.Endpoint, "grpc", pb.Failure_FAILURE_REJECTED)
	for code, want := range map[int]pb.Failure{
		301: away, 400: refused, 401: away, 403: away, 404: unknown, 405: unknown, 408: away, 413: refused, 422: refused,
		429: away, 500: unknown, 502: away, 503: away, 504: away,
	} {
		s := otlptest.StartHTTP(t, nil, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		kind(t, fmt.Sprint(code), s.Endpoint, "http/protobuf", want)
	}
}
