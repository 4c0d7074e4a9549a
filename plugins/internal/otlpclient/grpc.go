package otlpclient

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/internal/buildinfo"
	"github.com/spanloom/spanloom/plugins/internal/otlpconfig"
)

// overGRPC is OTLP over gRPC.
type overGRPC struct {
	conn    *grpc.ClientConn
	headers metadata.MD
}

func newGRPC(s otlpconfig.Settings) (*overGRPC, error) {
	security := insecure.NewCredentials()
	if s.TLS != nil {
		security = credentials.NewTLS(s.TLS)
	}
	calls := []grpc.CallOption{
		grpc.MaxCallRecvMsgSize(maxReply), // after decompression
		grpc.ForceCodecV2(codec{encoding.GetCodecV2(grpcproto.Name)}),
	}
	if s.Gzip {
		calls = append(calls, grpc.UseCompressor(gzip.Name))
	}
	conn, err := grpc.NewClient("dns:///"+s.Endpoint.Host(),
		grpc.WithTransportCredentials(security),
		grpc.WithUserAgent(userAgent()),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithMaxHeaderListSize(maxReply),
		grpc.WithWriteBufferSize(writeBuffer),
		grpc.WithDefaultCallOptions(calls...),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxPause},
			MinConnectTimeout: connectTimeout,
		}),
	)
	if err != nil {
		return nil, err
	}
	t := &overGRPC{conn: conn, headers: metadata.MD{}}
	for name, value := range s.Headers {
		t.headers.Set(name, value.Reveal())
	}
	return t, nil
}

// writeBuffer is what is written at once, in bytes: most of a request of 512 spans.
const writeBuffer = 128 << 10

// atOnce is how far apart two clocks for one deadline ring.
const atOnce = 50 * time.Millisecond

func userAgent() string { return "spanloom/" + buildinfo.Version() }

// prepare implements transport: gRPC encodes into buffers that it uses again.
func (*overGRPC) prepare(request proto.Message) (any, error) { return request, nil }

// encoded implements transport.
func (*overGRPC) encoded(request *[]byte, buffers *buffers) (prepared any, free func(), err error) {
	body := mem.NewBuffer(request, buffers)
	return encoded{body}, body.Free, nil
}

// send implements transport.
func (t *overGRPC) send(ctx context.Context, sig signal, prepared any, reply proto.Message) error {
	err := t.conn.Invoke(metadata.NewOutgoingContext(ctx, t.headers), sig.method, prepared, reply)
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return &failure{err: ended, silent: true}
	}
	st := status.Convert(err)
	if end, ok := ctx.Deadline(); ok && st.Code() == codes.DeadlineExceeded && time.Until(end) < atOnce {
		// The server was told the deadline, and its clock was the first.
		return &failure{err: context.DeadlineExceeded, silent: true}
	}
	after, told := retryInfo(st)
	if st.Code() == codes.Unimplemented {
		return takesNone(sig, " takes OTLP over gRPC", said(st.Message()))
	}
	err = errors.New(grpcText(st))
	if forGood(st.Message()) {
		return &misfit{err}
	}
	// https://opentelemetry.io/docs/specs/otlp/#failures
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return &failure{err: err, after: after}
	case codes.ResourceExhausted:
		switch {
		case told:
			return &failure{err: err, after: after}
		case tooLarge(st.Message()):
			return &refusal{err}
		default: // a limit of a rate
			return &misfit{err}
		}
	case codes.InvalidArgument:
		return &refusal{err}
	case codes.Unauthenticated, codes.PermissionDenied:
		return &misfit{err}
	}
	return err
}

// tooLarge says whether a server takes no message of the size, in the words of gRPC for
// Go and C, or of gRPC for Java.
func tooLarge(text string) bool {
	return strings.Contains(text, "essage larger than max") || strings.Contains(text, "exceeds maximum size")
}

func (t *overGRPC) close() error { return t.conn.Close() }

// retryInfo returns how long the collector asks to wait.
func retryInfo(st *status.Status) (time.Duration, bool) {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return max(info.GetRetryDelay().AsDuration(), 0), true
		}
	}
	return 0, false
}

// grpcText says what a status means for whoever wrote the config.
func grpcText(st *status.Status) string {
	text := st.Message()
	// gRPC packs the cause in two wrappings.
	if _, cause, ok := strings.Cut(text, "transport: Error while dialing: "); ok {
		cause, _, _ = strings.Cut(cause, `"`)
		return cause
	}
	if _, cause, ok := strings.Cut(text, "transport: authentication handshake failed: "); ok {
		return tlsHint(strings.TrimSuffix(cause, `"`))
	}
	if notGRPC(text) {
		return "the server does not speak gRPC; for OTLP over HTTP write protocol: http/protobuf"
	}
	switch st.Code() {
	case codes.Unauthenticated, codes.PermissionDenied:
		return "the collector refused the credentials" + said(text) + "; look at auth and headers"
	case codes.Unknown, codes.Unavailable:
		return text
	default:
		return st.Code().String() + said(text)
	}
}

// forGood says whether a connection failed in a way that no attempt mends.
func forGood(text string) bool {
	return strings.Contains(text, "authentication handshake failed: tls: failed to verify certificate") ||
		strings.Contains(text, "authentication handshake failed: tls: first record does not look like") ||
		notGRPC(text)
}

// notGRPC says whether the other end answered the preface of HTTP/2, with which gRPC
// begins, in another protocol: mostly with HTTP/1.1, whose first bytes are no frame.
func notGRPC(text string) bool { return strings.Contains(text, "http2: frame too large") }

// said shows what the collector said, if it did.
func said(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return " (" + text + ")"
}

// tlsHint adds what to do about a handshake that failed.
func tlsHint(text string) string {
	switch {
	case strings.Contains(text, "unknown authority"):
		return text + "; give the authority's certificate as tls.ca"
	case strings.Contains(text, "certificate is valid for"):
		return text + "; give the name in the certificate as tls.server_name"
	case strings.Contains(text, "first record does not look like a TLS handshake"), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "the server does not speak TLS; for plain text write http://"
	case strings.Contains(text, "certificate required"):
		return text + "; give tls.cert and tls.key"
	default:
		return text
	}
}
