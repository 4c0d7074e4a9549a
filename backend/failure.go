package backend

import (
	"context"
	"io"
	"net"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// failureOf returns what kind of failure err is. Of several joined errors one that may
// pass counts for all, and then one that nobody knows: only what is refused as a whole
// is.
func failureOf(err error) pb.Failure {
	switch e := err.(type) { //nolint:errorlint // it unwraps itself
	case nil:
		return pb.Failure_FAILURE_UNSPECIFIED
	case interface{ Failure() pb.Failure }:
		return e.Failure()
	case interface{ GRPCStatus() *status.Status }:
		return failureOfStatus(e.GRPCStatus())
	case net.Error: // also those of the operating system, and context.DeadlineExceeded
		return pb.Failure_FAILURE_AWAY
	case interface{ Unwrap() []error }:
		return worst(e.Unwrap()...)
	case interface{ Unwrap() error }:
		return failureOf(e.Unwrap())
	}
	switch err { //nolint:errorlint // it is unwrapped
	case context.Canceled, io.EOF, io.ErrUnexpectedEOF:
		return pb.Failure_FAILURE_AWAY
	default:
		return pb.Failure_FAILURE_UNSPECIFIED
	}
}

// worst returns the kind of failure of several errors together, without those that are
// nil.
func worst(errs ...error) pb.Failure {
	all, some := pb.Failure_FAILURE_REJECTED, false
	for _, err := range errs {
		if err == nil {
			continue
		}
		some = true
		switch failureOf(err) {
		case pb.Failure_FAILURE_AWAY:
			return pb.Failure_FAILURE_AWAY
		case pb.Failure_FAILURE_REJECTED:
		case pb.Failure_FAILURE_REFUSED:
			if all == pb.Failure_FAILURE_REJECTED {
				all = pb.Failure_FAILURE_REFUSED
			}
		default:
			all = pb.Failure_FAILURE_UNSPECIFIED
		}
	}
	if !some {
		return pb.Failure_FAILURE_UNSPECIFIED
	}
	return all
}

// failureOfStatus knows the statuses that exporters over gRPC return, by
// https://opentelemetry.io/docs/specs/otlp/#failures. Credentials are about whoever
// sends, and not about what is sent.
func failureOfStatus(st *status.Status) pb.Failure {
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss,
		codes.Unauthenticated, codes.PermissionDenied:
		return pb.Failure_FAILURE_AWAY
	case codes.InvalidArgument:
		return pb.Failure_FAILURE_REFUSED
	case codes.ResourceExhausted: // a limit of a rate, or of gRPC for one message
		if strings.Contains(st.Message(), "message larger than max") {
			return pb.Failure_FAILURE_REFUSED
		}
		return pb.Failure_FAILURE_AWAY
	default:
		return pb.Failure_FAILURE_UNSPECIFIED
	}
}

// failedError is an error of a kind of failure.
type failedError struct {
	error

	failure pb.Failure
}

func (e *failedError) Failure() pb.Failure { return e.failure }
func (e *failedError) Unwrap() error       { return e.error }
