package otlptrace

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/spanloom/spanloom/internal/buildinfo"
)

const (
	// timeout is the most time for one export, whatever its context says.
	timeout = 10 * time.Second
	// retryFor is how long an export to a collector that is away is repeated.
	retryFor = 3 * time.Second
	// maxReply is the most bytes of a reply: a collector has little to say.
	maxReply = 64 << 10
)

// exporter is the stock exporter, with errors that say where and why.
type exporter struct {
	*otlptrace.Exporter

	endpoint Endpoint
}

// newExporter returns an exporter to an endpoint; nothing is dialled yet. Where
// headers is nil, the stock exporter's environment variables say which headers
// are sent.
func newExporter(ctx context.Context, e Endpoint, headers map[string]string) (sdktrace.SpanExporter, error) {
	transport := insecure.NewCredentials()
	if e.secure {
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	opts := []otlptracegrpc.Option{
		// All of these come before what the environment says.
		otlptracegrpc.WithEndpointURL(e.String()),
		otlptracegrpc.WithTLSCredentials(transport),
		otlptracegrpc.WithTimeout(timeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: retryFor,
		}),
		otlptracegrpc.WithDialOption(
			grpc.WithUserAgent("spanloom/"+buildinfo.Version()),
			grpc.WithNoProxy(),
			grpc.WithDisableServiceConfig(),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReply)),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{
					BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second,
				},
				MinConnectTimeout: 5 * time.Second,
			}),
			grpc.WithChainUnaryInterceptor(dropWarning),
		),
	}
	if headers != nil {
		opts = append(opts, otlptracegrpc.WithHeaders(headers))
	}
	exp, err := otlptracegrpc.New(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", e, err)
	}
	return &exporter{Exporter: exp, endpoint: e}, nil
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.Exporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	return &exportError{e.endpoint, err}
}

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
	if errors.Is(e.err, context.DeadlineExceeded) || status.Code(e.err) == codes.DeadlineExceeded {
		return fmt.Sprintf("export to %s: no answer in time: %s", e.endpoint, context.DeadlineExceeded)
	}
	if _, cause, ok := strings.Cut(text, " desc = "); ok {
		text = cause
	}
	return fmt.Sprintf("export to %s: %s", e.endpoint, strings.TrimPrefix(text, "traces export: "))
}

// dropWarning takes away a collector's warning about spans that it accepted: the
// stock exporter would call that an error.
func dropWarning(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	if r, ok := reply.(*coltracepb.ExportTraceServiceResponse); ok && r.GetPartialSuccess().GetRejectedSpans() == 0 {
		r.PartialSuccess = nil
	}
	return err //nolint:wrapcheck // a status, which the exporter reads
}
