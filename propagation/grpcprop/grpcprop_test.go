package grpcprop

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/spanloom/spanloom/propagation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestHost(t *testing.T) {
	for target, want := range map[string]string{
		"dns:///db.example:5432":     "db.example",
		"dns://8.8.8.8/db.example":   "db.example",
		"passthrough:///127.0.0.1:1": "127.0.0.1",
		"dns:///[::1]:80":            "::1",
		"dns:///[::1]":               "::1",
		"xds:///billing":             "billing",
		"unix:/run/x.sock":           "localhost",
		"unix:///run/x.sock":         "localhost",
		"unix-abstract:x":            "localhost",
		"dns:///":                    "",
		"%":                          "",
	} {
		if got := host(target); got != want {
			t.Errorf("host of %s is %q, want %q", target, got, want)
		}
	}
}

// seen is what a server sees of a call: its metadata, and the context that its
// handler gets.
type seen struct {
	md  metadata.MD
	ctx context.Context //nolint:containedctx // it is what is looked at
}

type server struct {
	health.UnimplementedHealthServer

	seen seen
}

func (s *server) see(ctx context.Context) {
	md, _ := metadata.FromIncomingContext(ctx)
	s.seen = seen{md, ctx}
}

func (s *server) Check(ctx context.Context, _ *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	s.see(ctx)
	return &health.HealthCheckResponse{}, nil
}

func (s *server) Watch(_ *health.HealthCheckRequest, stream grpc.ServerStreamingServer[health.HealthCheckResponse]) error {
	s.see(stream.Context())
	return stream.Send(&health.HealthCheckResponse{})
}

// call makes a call and opens a stream, over a Unix socket.
func call(ctx context.Context, t *testing.T, client, receiver propagation.Config) []seen {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	impl := &server{}
	srv := grpc.NewServer(ServerOptions(receiver)...)
	health.RegisterHealthServer(srv, impl)
	go func() { _ = srv.Serve(l) }()
	defer srv.Stop()
	conn, err := grpc.NewClient("unix:"+socket, append(DialOptions(client), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	var all []seen
	if _, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	all = append(all, impl.seen)
	stream, err := health.NewHealthClient(conn).Watch(ctx, &health.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	return append(all, impl.seen)
}

func TestUnknownHostGetsNoBaggage(t *testing.T) {
	ctx := propagation.Extract(t.Context(), propagation.Map{"traceparent": traceparent, "baggage": "user=anna"})
	ctx = metadata.AppendToOutgoingContext(ctx, "Baggage", "old=1", "tracestate", "old=1", "other", "kept")
	for host, want := range map[string]string{"elsewhere": "", "localhost": "user=anna"} {
		for _, s := range call(ctx, t, propagation.Config{Hosts: []string{host}}, propagation.Config{TrustIncoming: true}) {
			if got := propagation.Metadata(s.md).Get("baggage"); got != want || len(s.md["baggage"]) > 1 {
				t.Errorf("%s is known: baggage %q was sent", host, s.md["baggage"])
			}
			if got := s.md["traceparent"]; len(got) != 1 || got[0] != traceparent || len(s.md["tracestate"]) != 0 || len(s.md["other"]) != 1 {
				t.Errorf("%s is known: metadata %v was sent", host, s.md)
			}
			if got := baggage.FromContext(s.ctx).String(); got != want {
				t.Errorf("%s is known: the handler has baggage %q", host, got)
			}
		}
	}
}

// TestTab sends baggage in which a tab is white space, as W3C Baggage allows and
// gRPC does not: it would refuse the call.
func TestTab(t *testing.T) {
	ctx := propagation.Extract(t.Context(), propagation.Map{"baggage": "user=anna;of\t=\tx"})
	for _, s := range call(ctx, t, propagation.Config{Hosts: []string{"localhost"}}, propagation.Config{TrustIncoming: true}) {
		m := baggage.FromContext(s.ctx).Member("user")
		if p := m.Properties(); m.Value() != "anna" || len(p) != 1 || p[0].Key() != "of" {
			t.Errorf("baggage %q came through", m)
		}
	}
}

func TestStranger(t *testing.T) {
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", traceparent, "baggage", "user=anna")
	conn := func(c propagation.Config) []seen {
		return call(ctx, t, propagation.Config{Hosts: []string{"localhost"}}, c)
	}
	for _, s := range conn(propagation.Config{}) {
		if trace.SpanContextFromContext(s.ctx).IsValid() || baggage.FromContext(s.ctx).Len() != 0 {
			t.Error("the handler is part of a stranger's trace")
		}
		if sc, ok := propagation.Incoming(s.ctx); !ok || sc.SpanID().String() != "b7ad6b7169203331" {
			t.Errorf("incoming span %v, %t", sc, ok)
		}
	}
	for _, s := range conn(propagation.Config{TrustIncoming: true}) {
		if got := trace.SpanContextFromContext(s.ctx).SpanID().String(); got != "b7ad6b7169203331" {
			t.Errorf("the handler runs under %s", got)
		}
	}
}
