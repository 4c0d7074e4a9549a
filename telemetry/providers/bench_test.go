package providers

import (
	"context"
	"net"
	"testing"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// sink is a connection that marshals what it is given and forgets it.
func sink(t testing.TB, sink func(method string, request []byte)) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { panic("dialled") }),
		grpc.WithUnaryInterceptor(func(_ context.Context, method string, m, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			data, err := proto.Marshal(m.(proto.Message))
			sink(method, data)
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func benchmarked(b *testing.B) *Providers {
	b.Helper()
	p, err := New(sink(b, func(string, []byte) {}), Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	b.ReportAllocs()
	b.ResetTimer()
	return p
}

// BenchmarkSlog is a log record with three attributes, from slog to the bytes of
// the request.
func BenchmarkSlog(b *testing.B) {
	p := benchmarked(b)
	l := otelslog.NewLogger("bench", otelslog.WithLoggerProvider(p.LoggerProvider()))
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	for b.Loop() {
		l.InfoContext(ctx, "row read", "file", "a.csv", "row", 7, "ok", true)
	}
}

// BenchmarkSpan is a span with three attributes, from its start to the bytes of
// the request.
func BenchmarkSpan(b *testing.B) {
	p := benchmarked(b)
	tr := p.TracerProvider().Tracer("bench")
	for b.Loop() {
		_, s := tr.Start(context.Background(), "fetch page", trace.WithAttributes(
			attribute.String("url", "https://example.com"), attribute.Int("page", 7), attribute.Bool("ok", true)))
		s.End()
	}
	_ = p.ForceFlush(context.Background())
	b.ReportMetric(100*float64(p.Stats().Spans.Lost())/float64(b.N), "%lost")
}
