package conformance

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/spanloom/spanloom/backend"
	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/internal/wire"
)

// middle stands between the checks and a backend that keeps all rules, and breaks
// some. What is nil changes nothing.
type middle struct {
	mu        sync.Mutex // held by all that is called but health and flush
	describe  func(*pb.DescribeResponse)
	configure func(*pb.ConfigureRequest, func() (*pb.ConfigureResponse, error)) (*pb.ConfigureResponse, error)
	health    func(func() *pb.HealthResponse) (*pb.HealthResponse, error)
	flush     func(context.Context, func(context.Context) (*pb.FlushResponse, error)) (*pb.FlushResponse, error)
	shutdown  func(func() (*pb.ShutdownResponse, error)) (*pb.ShutdownResponse, error)
	// opened is called with each stream, stop with each batch, and gone with the error
	// of one that cannot be read: their errors end the stream.
	opened func() error
	stop   func(*pb.Batch) error
	gone   func()
	// refuse says with which error a batch is acknowledged that is not handed on.
	refuse func(*pb.Batch) string
	edit   func(*pb.Batch)
	// ack may change what is acknowledged, and return what is to follow.
	ack func(*pb.Ack) []*pb.Ack
	// limit of a message; 0 means the right one
	limit int
}

// server is a backend with a middle.
type server struct {
	pb.BackendServer
	*middle
}

func (s *server) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	d, err := s.BackendServer.Describe(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.describe != nil {
		s.describe(d)
	}
	return d, err
}

func (s *server) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	next := func() (*pb.ConfigureResponse, error) { return s.BackendServer.Configure(ctx, r) }
	if s.configure == nil {
		return next()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.configure(r, next)
}

func (s *server) Health(ctx context.Context, r *pb.HealthRequest) (*pb.HealthResponse, error) {
	if s.health == nil {
		return s.BackendServer.Health(ctx, r)
	}
	return s.health(func() *pb.HealthResponse {
		h, _ := s.BackendServer.Health(ctx, r)
		return h
	})
}

func (s *server) Flush(ctx context.Context, r *pb.FlushRequest) (*pb.FlushResponse, error) {
	next := func(ctx context.Context) (*pb.FlushResponse, error) { return s.BackendServer.Flush(ctx, r) }
	if s.flush == nil {
		return next(ctx)
	}
	return s.flush(ctx, next)
}

func (s *server) Shutdown(ctx context.Context, r *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	next := func() (*pb.ShutdownResponse, error) { return s.BackendServer.Shutdown(ctx, r) }
	if s.shutdown == nil {
		return next()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shutdown(next)
}

func (s *server) Stream(st grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	if s.opened != nil {
		s.mu.Lock()
		err := s.opened()
		s.mu.Unlock()
		switch {
		case errors.Is(err, errStreamOfItsOwn):
			return acknowledgeAll(st)
		case err != nil:
			return err
		}
	}
	return s.BackendServer.Stream(&middleStream{BidiStreamingServer: st, m: s.middle, said: map[uint64]refused{}})
}

// acknowledgeAll does nothing else.
func acknowledgeAll(st grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	for {
		b, err := st.Recv()
		if err != nil {
			return err
		}
		if err := st.Send(&pb.Ack{Epoch: b.GetEpoch(), Seq: b.GetSeq()}); err != nil {
			return err
		}
	}
}

// middleStream is a stream with a middle.
type middleStream struct {
	grpc.BidiStreamingServer[pb.Batch, pb.Ack]
	m *middle

	said map[uint64]refused // of batches that were not handed on
}

// refused is what a batch is acknowledged with.
type refused struct {
	text   string
	events uint64
}

func (s *middleStream) Recv() (*pb.Batch, error) {
	b, err := s.BidiStreamingServer.Recv()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if err != nil {
		if s.m.gone != nil {
			s.m.gone()
		}
		return nil, err
	}
	if s.m.stop != nil {
		if err := s.m.stop(b); err != nil {
			return nil, err
		}
	}
	if s.m.refuse != nil {
		if text := s.m.refuse(b); text != "" {
			s.said[b.GetSeq()] = refused{text, uint64(len(b.GetEvents().GetHook()))}
			return &pb.Batch{Epoch: b.GetEpoch(), Seq: b.GetSeq(), Strings: []string{""}}, nil
		}
	}
	if s.m.edit != nil {
		s.m.edit(b)
	}
	return b, nil
}

func (s *middleStream) Send(a *pb.Ack) error {
	for _, a := range s.acks(a) {
		if err := s.BidiStreamingServer.Send(a); err != nil {
			return err
		}
	}
	return nil
}

// acks returns what is sent in place of an acknowledgement.
func (s *middleStream) acks(a *pb.Ack) []*pb.Ack {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for seq, r := range s.said {
		if seq > a.GetSeq() {
			continue
		}
		if a.GetError() == "" {
			a.Error, a.Lost = r.text, &pb.Losses{}
		}
		if a.GetLost() != nil {
			a.Lost.Events += r.events
		}
		delete(s.said, seq)
	}
	if s.m.ack == nil {
		return []*pb.Ack{a}
	}
	more := s.m.ack(a)
	return append([]*pb.Ack{a}, more...)
}

// inProcess returns a target of backends in this process, each with a middle of its
// own that make returns.
func inProcess(t *testing.T, m *memory, mid func(*memory) *middle) Target {
	t.Helper()
	return Target{
		Mistakes: []Mistake{{Config: []byte(`{"level":-1}`), Key: "level"}},
		Sink:     m.sink(),
		Dial: func(context.Context) (grpc.ClientConnInterface, func(), error) {
			s := &server{BackendServer: backend.NewServer(reference(m)), middle: &middle{}}
			if mid != nil {
				s.middle = mid(m)
			}
			limit := wire.MaxMessage
			if s.limit > 0 {
				limit = s.limit
			}
			g := grpc.NewServer(grpc.MaxRecvMsgSize(limit))
			pb.RegisterBackendServer(g, s)
			l := bufconn.Listen(1 << 20)
			served := make(chan struct{})
			go func() {
				defer close(served)
				_ = g.Serve(l)
			}()
			conn, err := grpc.NewClient("passthrough:x", grpc.WithTransportCredentials(insecure.NewCredentials()),
				grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(2*wire.MaxMessage)),
				grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
			if err != nil {
				return nil, nil, err
			}
			return conn, func() {
				_ = conn.Close()
				g.Stop()
				<-served
			}, nil
		},
	}
}
