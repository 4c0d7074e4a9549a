package propagation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/propagation"
	"github.com/spanloom/spanloom/propagation/grpcprop"
)

// stop is what a run was on a journey: where it stood, and where its node was.
type stop struct {
	Trace, Parent, Node, State, Namespace string
	Flags                                 byte
}

// run runs a pipeline of one node that does what next says.
func run(ctx context.Context, outer callbacks.Identity, next func(ctx context.Context) error) (stop, error) {
	type joined struct {
		callbacks.Base
		propagation.OTel
	}
	node := engine.Node("node", func(ctx context.Context, _ int) (stop, error) {
		cc := callbacks.FromContext(ctx)
		id := cc.Identity()
		return stop{
			Trace: id.TraceID.String(), Parent: id.Parent.String(), Node: cc.SpanID().String(), State: id.State, Flags: id.Flags,
			Namespace: baggage.FromContext(ctx).Member(propagation.NamespaceKey).Value(),
		}, next(ctx)
	})
	p := engine.Define("pipeline", func(g *engine.Graph, in engine.Value[int]) engine.Value[stop] {
		return engine.Add(g, node, in)
	})
	return p.Run(ctx, 0, engine.Config{Callbacks: []callbacks.PipelineCallback{joined{OTel: propagation.OTel{Outer: outer}}}})
}

// TestJourney follows one trace through an HTTP request, a gRPC call, a gRPC
// stream and two child processes, with a run of its own in each.
func TestJourney(t *testing.T) {
	config := propagation.Config{TrustIncoming: true, Hosts: []string{"127.0.0.1"}}
	stops := make(chan stop, 16)
	arrive := func(ctx context.Context, next func(context.Context) error) error {
		s, err := run(ctx, callbacks.Identity{}, next)
		stops <- s
		return err
	}

	children := func(ctx context.Context) error {
		for _, way := range []string{viaContext, viaOuter} {
			s, err := spawn(ctx, way)
			if err != nil {
				return err
			}
			stops <- s
		}
		return nil
	}
	conn := serveGRPC(t, config, &service{
		unary:  func(ctx context.Context) error { return arrive(ctx, children) },
		stream: func(ctx context.Context) error { return arrive(ctx, func(context.Context) error { return nil }) },
	})
	calls := func(ctx context.Context) error {
		if _, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{}); err != nil {
			return err
		}
		s, err := health.NewHealthClient(conn).Watch(ctx, &health.HealthCheckRequest{})
		if err != nil {
			return err
		}
		_, err = s.Recv()
		return err
	}
	web := httptest.NewServer(config.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := arrive(r.Context(), calls); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})))
	defer web.Close()
	client := &http.Client{Transport: config.Transport(nil)}
	defer client.CloseIdleConnections()

	ctx := propagation.Extract(t.Context(), propagation.Map{
		"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", "tracestate": "vendor=a",
	})
	ctx, err := propagation.WithNamespace(ctx, "shop, öst")
	if err != nil {
		t.Fatal(err)
	}
	first, err := run(ctx, callbacks.Identity{}, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", resp.Status)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	close(stops)

	// A stop reports when its node has ended: the innermost first.
	var got []stop
	for s := range stops {
		got = append(got, s)
	}
	if len(got) != 5 {
		t.Fatalf("%d stops, want 5: %+v", len(got), got)
	}
	inContext, inOuter, unary, stream, request := got[0], got[1], got[2], got[3], got[4]
	for _, leg := range []struct {
		name     string
		from, to stop
	}{
		{"the start", stop{Node: "b7ad6b7169203331"}, first},
		{"the HTTP request", first, request},
		{"the gRPC call", request, unary},
		{"the gRPC stream", request, stream},
		{"the child that reads its environment", unary, inContext},
		{"the child whose callback was told", unary, inOuter},
	} {
		want := stop{
			Trace: "0af7651916cd43dd8448eb211c80319c", Parent: leg.from.Node, Node: leg.to.Node,
			State: "vendor=a", Flags: 3, Namespace: "shop, öst",
		}
		if leg.to == inOuter {
			want.Namespace = "" // it is in the environment, and in no context
		}
		if leg.to != want {
			t.Errorf("after %s: %+v, want %+v", leg.name, leg.to, want)
		}
	}
}

// service is a gRPC service with a call and a stream.
type service struct {
	health.UnimplementedHealthServer

	unary, stream func(context.Context) error
}

func (h *service) Check(ctx context.Context, _ *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	return &health.HealthCheckResponse{}, h.unary(ctx)
}

func (h *service) Watch(_ *health.HealthCheckRequest, s grpc.ServerStreamingServer[health.HealthCheckResponse]) error {
	if err := h.stream(s.Context()); err != nil {
		return err
	}
	return s.Send(&health.HealthCheckResponse{})
}

func serveGRPC(t *testing.T, c propagation.Config, s health.HealthServer) *grpc.ClientConn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpcprop.ServerOptions(c)...)
	health.RegisterHealthServer(server, s)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(l.Addr().String(),
		append(grpcprop.DialOptions(c), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// childVariable makes a process of this test binary a child of the journey, and
// says how it learns where it stands.
const (
	childVariable = "SPANLOOM_TEST_CHILD"
	viaContext    = "context"
	viaOuter      = "outer"
)

func spawn(ctx context.Context, way string) (s stop, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = propagation.Environ(ctx, append(cmd.Environ(), childVariable+"="+way))
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("child: %w\n%s", err, &stderr)
	}
	return s, json.Unmarshal(out, &s)
}

// child runs a pipeline, says where it stood and returns the code to exit with.
func child() int {
	ctx, outer := propagation.FromEnvironment(context.Background()), callbacks.Identity{}
	if os.Getenv(childVariable) == viaOuter {
		outer, _ = propagation.OTel{}.RunIdentity(ctx)
		ctx = context.Background()
	}
	s, err := run(ctx, outer, func(context.Context) error { return nil })
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
