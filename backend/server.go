package backend

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
)

// Server answers the calls of a host for one instance of a backend. [Serve]
// makes one for its process; a host makes one to run a backend in process.
type Server struct {
	pb.UnimplementedBackendServer

	backend Backend
	out     output

	// turn is held by whoever calls the instance. It is a channel because a
	// caller may stop waiting for an instance that does not return.
	turn       chan struct{}
	configured bool // Configure was called
	instance   Instance
	decoder    *wire.Decoder
	epoch, seq uint64 // the last batch that was handled
	evidence   evidence

	doing                  atomic.Pointer[doer] // the instance, if it says what it does
	streaming              atomic.Pointer[openStream]
	closed                 atomic.Bool // the host has asked for the end
	open, evicted, ignored atomic.Uint64
	ignoredExports         atomic.Uint64

	mu          sync.Mutex
	refused     string // what the destination refuses, and why
	lastError   string
	cancelFlush context.CancelFunc // ends the flush under way
	urgent      chan struct{}      // of the flush under way; nil once it is closed
	asked       time.Time          // when the host last said that it waits
	hurried     time.Time          // batches until then have no time at all

	ready func() // called when the host is known to listen
}

// NewServer returns a server for b.
func NewServer(b Backend) *Server {
	if b.Version == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			b.Version = info.Main.Version
		}
	}
	return &Server{backend: b, turn: make(chan struct{}, 1), decoder: wire.NewDecoder(), ready: func() {}}
}

// Register registers the protocol's service.
func (s *Server) Register(r grpc.ServiceRegistrar) { pb.RegisterBackendServer(r, s) }

// Close flushes and closes the instance, if it is open. It returns the error of
// ctx when the instance does not return in time.
func (s *Server) Close(ctx context.Context) error {
	_, err := s.close(ctx, ctx)
	return err
}

// close waits until ctx ends, and gives the instance until hasty ends. It reports
// whether err is what the instance said, if there was one.
func (s *Server) close(ctx, hasty context.Context) (said bool, err error) {
	if err := s.acquire(ctx); err != nil {
		return false, err
	}
	if s.instance == nil {
		s.release()
		return true, nil
	}
	in := s.instance
	s.instance = nil
	s.doing.Store(nil)
	done := make(chan error, 1)
	go func() {
		defer s.release()
		done <- guard("Close", func() error { return in.Close(hasty) })
	}()
	select {
	case err := <-done:
		return true, err
	case <-ctx.Done():
		return false, fmt.Errorf("close: %w", ctx.Err())
	}
}

func (s *Server) acquire(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the instance is busy: %w", ctx.Err())
	}
}

func (s *Server) release() { <-s.turn }

// guard makes a panic of the instance an error.
func guard(what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("instance panicked in %s: %v", what, p)
		}
	}()
	return f()
}

// Describe implements the service.
func (s *Server) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	b := s.backend
	linger := b.Linger
	if linger == 0 {
		linger = 10 * time.Millisecond
	}
	return &pb.DescribeResponse{
		Name: b.Name, Version: b.Version, ProtocolVersion: wire.ProtocolVersion,
		ConfigSchema: b.Schema, Linger: int64(linger),
	}, nil
}

// Configure implements the service.
func (s *Server) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	s.ready()
	if err := s.acquire(ctx); err != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	defer s.release()
	if s.configured {
		return nil, status.Error(codes.FailedPrecondition, "already configured: one process serves one instance")
	}
	s.configured = true
	c := Config{
		Name: r.GetInstance(),
		JSON: r.GetConfig(),
		Service: Service{
			Name: r.GetService().GetName(), Version: r.GetService().GetVersion(),
			Namespace: r.GetService().GetNamespace(), Attributes: r.GetService().GetAttributes(),
		},
		Tracing: Tracing{
			MapItems: r.GetTracing().GetMapItems(), MaxPerMap: int(r.GetTracing().GetMaxPerMap()),
			ItemRatio:  r.GetTracing().GetItemRatio(),
			KeepFailed: r.GetTracing().GetKeepFailed(), KeepSlow: time.Duration(r.GetTracing().GetKeepSlow()),
			NoInputs: r.GetTracing().GetNoInputs(),
		},
		Terminal: Terminal{
			IsTerminal: r.GetTerminal().GetIsTerminal(), Width: int(r.GetTerminal().GetWidth()),
			Color: r.GetTerminal().GetColor(),
		},
		Output: &s.out,
	}
	err := guard("Open", func() (err error) {
		// The instance outlives the call that opens it.
		s.instance, err = s.backend.Open(context.WithoutCancel(ctx), c)
		return err
	})
	if err == nil {
		if d, ok := as[doer](s.instance); ok {
			s.doing.Store(&d)
		}
		return &pb.ConfigureResponse{Signals: signalsOf(s.instance), Hooks: wire.Numbers(needs(s.instance))}, nil
	}
	s.instance = nil
	answer := &pb.ConfigureResponse{}
	for _, e := range AsConfigErrors(err) {
		answer.Errors = append(answer.Errors, &pb.ConfigError{Key: e.Key, Message: e.Message})
	}
	if len(answer.GetErrors()) == 0 {
		answer.Error = valid(err)
	}
	return answer, nil
}

// needs returns the hooks of which an instance needs each call.
func needs(in Instance) callbacks.Hook {
	if s, ok := as[Sparing](in); ok {
		return s.Needs()
	}
	return callbacks.Interest(in)
}

// Flush implements the service. Its deadline is also that of the batch under
// way, which may have been given much time before there was a hurry, and of all
// that come before it: ended a little earlier, their acknowledgements still
// reach the host and say why. Without a deadline nothing is cut short, not even
// when the host does not wait any more.
func (s *Server) Flush(ctx context.Context, _ *pb.FlushRequest) (*pb.FlushResponse, error) {
	s.ask()
	ctx, cancel := s.hasty(ctx)
	defer cancel()
	if err := s.acquire(ctx); err != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	defer s.release()
	if s.instance == nil {
		return nil, status.Error(codes.FailedPrecondition, "no instance is open")
	}
	if _, ok := ctx.Deadline(); !ok {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, end := s.flushContext(ctx)
	defer end()
	err := guard("Flush", func() error { return s.instance.Flush(ctx) })
	if err != nil { // else there may have been nothing to export
		s.note(err, nil)
	}
	return &pb.FlushResponse{Error: valid(err), Output: s.out.take()}, nil
}

// maxHurry is the most time that an acknowledgement is given to reach the host.
const maxHurry = 300 * time.Millisecond

// hasty returns a context that ends a little before ctx's deadline, and all
// batches until the deadline with it.
func (s *Server) hasty(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	ctx, cancel := context.WithCancel(ctx)
	if !ok {
		return ctx, cancel
	}
	left := time.Until(deadline)
	t := time.AfterFunc(left-min(left/4, maxHurry), func() {
		s.hurry(deadline)
		cancel()
	})
	return ctx, func() {
		t.Stop()
		cancel()
	}
}

// hurry ends the flush of the batch under way, and those of all batches until
// the deadline at once.
func (s *Server) hurry(deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if deadline.After(s.hurried) {
		s.hurried = deadline
	}
	if s.cancelFlush != nil {
		s.cancelFlush()
	}
}

// doer is an instance that says what it has begun and not finished.
type doer interface{ Doing() string }

// whatItDoes asks the instance, whose code is not ours.
func (s *Server) whatItDoes() (text string) {
	d := s.doing.Load()
	if d == nil {
		return ""
	}
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	return clipped((*d).Doing())
}

// Health implements the service. It never waits for the instance.
func (s *Server) Health(context.Context, *pb.HealthRequest) (*pb.HealthResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &pb.HealthResponse{
		Status: pb.HealthResponse_STATUS_OK, Message: s.lastError,
		OpenScopes: s.open.Load(), EvictedScopes: s.evicted.Load(), IgnoredEvents: s.ignored.Load(),
		IgnoredExports: s.ignoredExports.Load(), Doing: s.whatItDoes(),
	}
	if s.lastError != "" {
		h.Status = pb.HealthResponse_STATUS_DEGRADED
	} else {
		h.Message = s.refused
	}
	return h, nil
}

// Shutdown implements the service.
func (s *Server) Shutdown(ctx context.Context, _ *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	s.closed.Store(true)
	s.ask()
	hasty, cancel := s.hasty(ctx)
	defer cancel()
	said, err := s.close(ctx, hasty)
	if !said {
		return nil, status.Error(codes.DeadlineExceeded, err.Error())
	}
	return &pb.ShutdownResponse{Error: valid(err), Output: s.out.take()}, nil
}

// note keeps the error of the last export, and what was refused, for Health.
func (s *Server) note(err error, refused []*pb.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastError = valid(err)
	for _, r := range refused {
		if text := r.GetReason(); !strings.Contains(s.refused, text) {
			s.refused = strings.TrimPrefix(clipped(s.refused+"; "+text), "; ")
		}
	}
	s.open.Store(uint64(s.decoder.Open()))
	s.evicted.Store(s.decoder.Evicted)
	s.ignored.Store(s.decoder.Ignored)
	s.ignoredExports.Store(s.decoder.IgnoredExports)
}
