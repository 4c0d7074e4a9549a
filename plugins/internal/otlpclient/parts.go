package otlpclient

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/otlpsplit"
)

// maxRequest is the most bytes of a request, before it is compressed: gRPC servers
// take 4 MiB unless they are told otherwise, and so does the Collector
// (max_recv_msg_size_mib of its otlp receiver). It leaves room for frames.
const maxRequest = 4<<20 - 4<<10

// sendParts sends a request in as many parts as its size takes, one after another. A
// part that is lost does not keep the others from being sent.
func (c *Client) sendParts(ctx context.Context, sig signal, request proto.Message) error {
	var first *Error
	parts, failed := 0, 0
	lost, sent := int64(0), count(request)
	for part := range otlpsplit.Split(request, maxRequest) {
		parts++
		err := c.sendOne(ctx, sig, part)
		if err == nil {
			continue
		}
		failed++
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return err
		}
		if first == nil || rank(e) < rank(first) {
			first = e
		}
		if e.Rejected > 0 {
			lost += e.Rejected
		} else {
			lost += count(part)
		}
	}
	switch {
	case first == nil:
		return nil
	case parts == 1 || failed == parts && lost == sent:
		return first
	}
	what := fmt.Sprintf("%d of %d %s", lost, sent, sig.things)
	if sent == 0 {
		what = fmt.Sprintf("%d of %d requests of %s", failed, parts, sig.name)
	}
	return &Error{
		Rejected: lost, Sent: sent,
		endpoint: first.endpoint, cause: first.cause, text: what + " not exported: " + first.text,
		failure: first.failure,
	}
}

// rank puts what may pass first, and what a collector has rejected for good last: all
// parts of a request are sent again together.
func rank(e *Error) int {
	return slices.Index([]pb.Failure{
		pb.Failure_FAILURE_AWAY, pb.Failure_FAILURE_UNSPECIFIED, pb.Failure_FAILURE_REFUSED, pb.Failure_FAILURE_REJECTED,
	}, e.failure)
}

func (c *Client) sendOne(ctx context.Context, sig signal, request proto.Message) error {
	prepared, err := c.transport.prepare(request)
	if err != nil {
		return c.explain(err, nil)
	}
	// From here on only what is sent is held.
	return c.try(ctx, sig, prepared, count(request))
}
