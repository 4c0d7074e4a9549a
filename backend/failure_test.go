package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

func TestFailureOf(t *testing.T) {
	const (
		unknown = pb.Failure_FAILURE_UNSPECIFIED
		away    = pb.Failure_FAILURE_AWAY
		refused = pb.Failure_FAILURE_REFUSED

		rejected = pb.Failure_FAILURE_REJECTED
	)
	plain := errors.New("no")
	bad := &failedError{plain, refused}
	part := &failedError{plain, rejected}
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, tt := range []struct {
		name string
		err  error
		want pb.Failure
	}{
		{"nil", nil, unknown},
		{"plain", plain, unknown},
		{"wrapped", fmt.Errorf("export: %w", plain), unknown},
		{"says so", fmt.Errorf("export: %w", bad), refused},
		{"lost", Lost(bad, Losses{Hooks: 1}), refused},
		{"dial", fmt.Errorf("export: %w", dial), away},
		{"DNS", &net.DNSError{Err: "no such host", Name: "collector"}, away},
		{"HTTP", &url.Error{Op: "Post", URL: "http://collector", Err: plain}, away},
		{"end of file", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), away},
		{"deadline", fmt.Errorf("export: %w", context.DeadlineExceeded), away},
		{"cancelled", context.Canceled, away},
		{"unavailable", status.Error(codes.Unavailable, "no"), away},
		{"rate limit", fmt.Errorf("export: %w", status.Error(codes.ResourceExhausted, "slow down")), away},
		{"key", status.Error(codes.Unauthenticated, "no"), away},
		{"too large", status.Error(codes.ResourceExhausted, "grpc: received message larger than max (5 vs. 4)"), refused},
		{"invalid", fmt.Errorf("export: %w", status.Error(codes.InvalidArgument, "no")), refused},
		{"internal", status.Error(codes.Internal, "no"), unknown},
		{"refused twice", errors.Join(bad, bad), refused},
		{"partial success", errors.Join(part, part), rejected},
		{"partial success, and refused", errors.Join(part, bad), refused},
		{"refused, and partial success", errors.Join(bad, part), refused},
		{"partial success, and unknown", errors.Join(plain, part), unknown},
		{"refused, and unknown", errors.Join(bad, plain), unknown},
		{"refused, unknown, and away", fmt.Errorf("%w; %w; %w", bad, plain, dial), away},
	} {
		if got := failureOf(tt.err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
