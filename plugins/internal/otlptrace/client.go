package otlptrace

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/internal/buildinfo"
)

const (
	// timeout is the most time for one export, whatever its context says.
	timeout = 10 * time.Second
	// retryFor is how long an export to a collector that is away is repeated.
	retryFor = 3 * time.Second
	// firstWait and longestWait are the times between two attempts, which grow.
	firstWait, longestWait = 200 * time.Millisecond, time.Second
	// maxReply is the most bytes of a reply: a collector has little to say.
	maxReply = 64 << 10
)

// client sends OTLP requests. It is also what makes an otlptrace.Exporter.
type client struct {
	endpoint Endpoint
	conn     *grpc.ClientConn
	getenv   func(string) string // nil: the environment says nothing
}

// newClient returns a client to an endpoint; nothing is dialled yet.
func newClient(e Endpoint, getenv func(string) string) (*client, error) {
	transport := insecure.NewCredentials()
	if e.secure {
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	conn, err := grpc.NewClient(e.host,
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("spanloom/"+buildinfo.Version()),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", e, err)
	}
	return &client{endpoint: e, conn: conn, getenv: getenv}, nil
}

// Start implements otlptrace.Client.
func (*client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client. The connection is closed by whoever opened it.
func (*client) Stop(context.Context) error { return nil }

// UploadTraces implements otlptrace.Client.
func (c *client) UploadTraces(ctx context.Context, list []*tracepb.ResourceSpans) error {
	return c.Send(ctx, &coltracepb.ExportTraceServiceRequest{ResourceSpans: list})
}

// Send sends a request, again and again for a while when the collector is away. A
// collector's warning about what it accepted is no error.
func (c *client) Send(ctx context.Context, request proto.Message) error {
	s := signalOf(request)
	if s == nil {
		return fmt.Errorf("%T is no OTLP request", request)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, headers(c.getenv, s))
	var opts []grpc.CallOption
	if variable(c.getenv, s, "COMPRESSION") == gzip.Name {
		opts = append(opts, grpc.UseCompressor(gzip.Name))
	}
	reply := s.reply()
	if err := retried(ctx, func() error { return c.conn.Invoke(ctx, s.method, request, reply, opts...) }); err != nil {
		return &exportError{c.endpoint, err}
	}
	if n, why := s.rejected(reply); n > 0 {
		return &exportError{c.endpoint, fmt.Errorf("%d %s were rejected: %s", n, s.things, why)}
	}
	return nil
}

// retried calls f until it succeeds, or fails for good, or time is over. That time
// is over is not what it tells when it knows of a better reason.
func retried(ctx context.Context, f func() error) error {
	over := time.Now().Add(retryFor)
	var last error
	for wait := firstWait; ; wait = min(wait*3/2, longestWait) {
		err := f()
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		asked, again := retryable(err)
		pause := max(wait/2+rand.N(wait), asked) //nolint:gosec // to spread load
		if !again || ctx.Err() != nil || time.Now().Add(pause).After(over) {
			return last
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return last
		}
	}
}

// retryable says whether an export that failed with err may be repeated, and how
// long the collector asks to wait, as the OTLP specification has it under
// "Failures".
func retryable(err error) (wait time.Duration, again bool) {
	st := status.Convert(err)
	asked := false
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			wait, asked = info.GetRetryDelay().AsDuration(), true
		}
	}
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return wait, true
	case codes.ResourceExhausted:
		return wait, asked
	default:
		return 0, false
	}
}
