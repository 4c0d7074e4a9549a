package otlptrace

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// exportError is an export that failed, told in the words that help.
type exportError struct {
	endpoint Endpoint
	err      error
}

func (e *exportError) Unwrap() error { return e.err }

func (e *exportError) Error() string {
	text := e.err.Error()
	// gRPC packs the cause in two wrappings; the deadline that ended the
	// attempts is no cause at all.
	if _, cause, ok := strings.Cut(text, "transport: Error while dialing: "); ok {
		cause, _, _ = strings.Cut(cause, `"`)
		return fmt.Sprintf("export to %s: %s", e.endpoint, cause)
	}
	for code, over := range map[codes.Code]error{
		codes.DeadlineExceeded: context.DeadlineExceeded, codes.Canceled: context.Canceled,
	} {
		if errors.Is(e.err, over) || status.Code(e.err) == code {
			return fmt.Sprintf("export to %s: no answer in time: %s", e.endpoint, over)
		}
	}
	if _, cause, ok := strings.Cut(text, " desc = "); ok {
		text = cause
	}
	return fmt.Sprintf("export to %s: %s", e.endpoint, text)
}
