package backend_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/wire"
)

// The tests of a lifetime leave goroutines where the process would have ended.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/spanloom/spanloom/backend.ended.func1"),
		goleak.IgnoreAnyFunction("github.com/spanloom/spanloom/backend.(*lifetime).watch.func1"),
		goleak.IgnoreTopFunction("os/signal.signal_recv"))
}

type instance struct {
	callbacktest.Recorder
	config backend.Config
	flush  func() error
	// flushContext takes the place of flush.
	flushContext func(context.Context) error
	closed       int
}

func (i *instance) Flush(ctx context.Context) error {
	if i.flushContext != nil {
		return i.flushContext(ctx)
	}
	if i.flush != nil {
		return i.flush()
	}
	return nil
}

func (i *instance) Close(context.Context) error {
	i.closed++
	return nil
}

// serve runs a server in process.
func serve(t *testing.T, open func(backend.Config) (backend.Instance, error)) (pb.BackendClient, *backend.Server) {
	t.Helper()
	s := backend.NewServer(backend.Backend{Name: "test", Version: "3", Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
		return open(c)
	}})
	g := grpc.NewServer()
	s.Register(g)
	l := bufconn.Listen(1 << 16)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pb.NewBackendClient(conn), s
}

// configured is a server with an open instance.
func configured(t *testing.T, in *instance) pb.BackendClient {
	t.Helper()
	c, _ := serve(t, func(config backend.Config) (backend.Instance, error) {
		in.config = config
		return in, nil
	})
	if r, err := c.Configure(t.Context(), &pb.ConfigureRequest{Instance: "main"}); err != nil || r.GetError() != "" {
		t.Fatal(r, err)
	}
	return c
}

// batch is one node that starts.
func batch(seq uint64) *pb.Batch {
	cc := callbacks.NewRun(context.Background(), callbacks.RunConfig{ID: "r", Epoch: time.Now(), Pipeline: &callbacks.Node{Name: "p"}})
	enc := wire.NewEncoder()
	enc.Begin(5, seq, 0)
	enc.Add(&wire.Record{Context: cc, Hook: callbacks.HookPipelineStart, Order: seq}, nil)
	b, _ := proto.Clone(enc.Batch()).(*pb.Batch)
	return b
}

func send(t *testing.T, s pb.Backend_StreamClient, b *pb.Batch) *pb.Ack {
	t.Helper()
	if err := s.Send(b); err != nil {
		t.Fatal(err)
	}
	ack, err := s.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return ack
}

func TestOneInstanceAProcess(t *testing.T) {
	c := configured(t, &instance{})
	_, err := c.Configure(t.Context(), &pb.ConfigureRequest{})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a second Configure: %v", err)
	}
}

func TestNothingWorksBeforeConfigure(t *testing.T) {
	c, _ := serve(t, func(backend.Config) (backend.Instance, error) { return &instance{}, nil })
	if d, err := c.Describe(t.Context(), &pb.DescribeRequest{}); err != nil || d.GetName() != "test" || d.GetLinger() != int64(10*time.Millisecond) {
		t.Error(d, err)
	}
	if _, err := c.Flush(t.Context(), &pb.FlushRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("Flush: %v", err)
	}
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(batch(1))
	if _, err := s.Recv(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("Stream: %v", err)
	}
	if _, err := c.Shutdown(t.Context(), &pb.ShutdownRequest{}); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestConfigAnswers(t *testing.T) {
	tests := map[string]struct {
		open func(backend.Config) (backend.Instance, error)
		keys string
		text string
	}{
		"config errors": {func(backend.Config) (backend.Instance, error) {
			return nil, errors.Join(&backend.ConfigError{Key: "a"}, &backend.ConfigError{Key: "b.c"})
		}, "a,b.c", ""},
		"another error": {func(backend.Config) (backend.Instance, error) { return nil, io.ErrUnexpectedEOF }, "", "unexpected EOF"},
		"a panic":       {func(backend.Config) (backend.Instance, error) { panic("oh") }, "", "instance panicked in Open: oh"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, tt.open)
			r, err := c.Configure(t.Context(), &pb.ConfigureRequest{})
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, e := range r.GetErrors() {
				keys = append(keys, e.GetKey())
			}
			if strings.Join(keys, ",") != tt.keys || r.GetError() != tt.text {
				t.Errorf("%v", r)
			}
		})
	}
}

func TestBatchesAreCountedAndNotRepeated(t *testing.T) {
	in := &instance{}
	c := configured(t, in)
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{4, 5, 5, 4, 6} { // after a restart a host begins where it was
		if ack := send(t, s, batch(seq)); ack.GetError() != "" || ack.GetSeq() < seq {
			t.Errorf("batch %d: %v", seq, ack)
		}
	}
	if n := len(in.Events()); n != 3 {
		t.Errorf("%d calls of 3 batches", n)
	}
	bad := batch(7)
	bad.Events.Path = nil
	if ack := send(t, s, bad); !strings.Contains(ack.GetError(), "malformed batch: events.path has 0 values, want 1") || ack.GetSeq() != 7 {
		t.Errorf("%v", ack)
	}
	if err := s.Send(batch(9)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a gap: %v", err)
	}
}

func TestOutputComesWithTheAck(t *testing.T) {
	in := &instance{}
	in.flush = func() error {
		_, _ = io.WriteString(in.config.Output, strings.Repeat("x", 2<<20))
		return nil
	}
	c := configured(t, in)
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ack := send(t, s, batch(1)); len(ack.GetOutput()) != 2<<20 {
		t.Errorf("%d bytes", len(ack.GetOutput()))
	}
	_, _ = io.WriteString(in.config.Output, strings.Repeat("y", 2<<20))
	r, err := c.Flush(t.Context(), &pb.FlushRequest{})
	if err != nil || !strings.HasSuffix(string(r.GetOutput()), "\n... 2097152 bytes of output cut\n") {
		t.Errorf("%d bytes, %v", len(r.GetOutput()), err)
	}
}

func TestHealthAnswersWhileTheInstanceHangs(t *testing.T) {
	hangs, hang := make(chan struct{}), make(chan struct{})
	in := &instance{flush: func() error { close(hangs); <-hang; return errors.New("late") }}
	c := configured(t, in)
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(batch(1))
	<-hangs
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if h, err := c.Health(ctx, &pb.HealthRequest{}); err != nil || h.GetStatus() != pb.HealthResponse_STATUS_OK {
		t.Error(h, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Shutdown(short, &pb.ShutdownRequest{}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("Shutdown of a hung instance: %v", err)
	}
	close(hang)
	if ack, err := s.Recv(); err != nil || ack.GetError() != "late" {
		t.Error(ack, err)
	}
	if h, err := c.Health(ctx, &pb.HealthRequest{}); err != nil || h.GetStatus() != pb.HealthResponse_STATUS_DEGRADED || h.GetMessage() != "late" {
		t.Error(h, err)
	}
	for range 2 {
		if _, err := c.Shutdown(ctx, &pb.ShutdownRequest{}); err != nil {
			t.Error(err)
		}
	}
	if in.closed != 1 {
		t.Errorf("closed %d times", in.closed)
	}
}

// Once a hurry has begun, no batch gets time any more until it is over.
func TestAHurryIsForAllBatches(t *testing.T) {
	flushed := make(chan struct{}, 100)
	in := &instance{}
	in.flushContext = func(ctx context.Context) error {
		flushed <- struct{}{}
		select {
		case <-ctx.Done():
			return errors.New("cut short")
		case <-time.After(10 * time.Second):
			return nil
		}
	}
	c := configured(t, in)
	s, err := c.Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const batches = 10
	for seq := range uint64(batches) {
		if err := s.Send(batch(seq + 1)); err != nil {
			t.Fatal(err)
		}
	}
	<-flushed
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	go func() { _, _ = c.Flush(ctx, &pb.FlushRequest{}) }()
	for last := uint64(0); last < batches; {
		ack, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if ack.GetSeq() <= last || ack.GetError() != "cut short" {
			t.Fatalf("%v after %d", ack, last)
		}
		last = ack.GetSeq()
	}
	if ctx.Err() != nil {
		t.Error("the acknowledgements came late")
	}
	<-ctx.Done()
	in.flushContext = nil
	if ack := send(t, s, batch(batches+1)); ack.GetError() != "" {
		t.Errorf("after the hurry: %v", ack)
	}
}
