package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
)

// maxErrorText bounds the text of an error that goes to the host.
const maxErrorText = 8 << 10

// Stream implements the service.
func (s *Server) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	leave, err := s.enter(stream.Context())
	if err != nil {
		return err
	}
	defer leave()
	in := &inbox{batches: make(chan *pb.Batch, readAhead)}
	go in.fill(stream)
	for b := range in.batches {
		ack, err := s.batch(stream.Context(), b, in)
		if err != nil {
			return err
		}
		if err := stream.Send(ack); err != nil {
			return err //nolint:wrapcheck // the status is gRPC's
		}
	}
	return in.err
}

// openStream is a stream that is not finished. The host may know of its end before.
type openStream struct {
	ctx      context.Context
	finished chan struct{}
}

// enter makes the stream that has ctx the only one, when the one before is finished.
func (s *Server) enter(ctx context.Context) (leave func(), err error) {
	own := &openStream{ctx, make(chan struct{})}
	for !s.streaming.CompareAndSwap(nil, own) {
		other := s.streaming.Load()
		switch {
		case other == nil:
			continue
		case other.ctx.Err() == nil:
			return nil, status.Error(codes.FailedPrecondition, "a stream is open already")
		}
		select {
		case <-other.finished:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	return func() {
		s.streaming.Store(nil)
		close(own.finished)
	}, nil
}

// readAhead is the most batches that are read before it is their turn.
const readAhead = 16

// inbox is what has come over a stream.
type inbox struct {
	batches chan *pb.Batch
	err     error // why there are no more, once batches is closed; nil at the end
}

// fill reads until the stream ends.
func (in *inbox) fill(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) {
	defer close(in.batches)
	for {
		b, err := stream.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				in.err = err
			}
			return
		}
		select {
		case in.batches <- b:
		case <-stream.Context().Done():
			in.err = status.FromContextError(stream.Context().Err()).Err()
			return
		}
	}
}

// more returns a batch that is there already, or nil.
func (in *inbox) more() *pb.Batch {
	select {
	case b := <-in.batches:
		return b
	default:
		return nil
	}
}

// full reports whether more waits than is read.
func (in *inbox) full() bool { return len(in.batches) == readAhead }

// batch handles one batch, and with it those that came while the one before was
// handled, as far as they are not larger together than one may be: hooks and
// exports, one flush, one acknowledgement.
func (s *Server) batch(ctx context.Context, b *pb.Batch, in *inbox) (*pb.Ack, error) {
	if err := s.acquire(ctx); err != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	defer s.release()
	if s.instance == nil {
		return nil, status.Error(codes.FailedPrecondition, "no instance is open")
	}
	ctx, cancel := s.flushContext(ctx)
	defer cancel()
	var refused refusal
	s.decoder.Export = func(signal pb.Signal, request []byte) (bool, error) {
		taken, err := receive(ctx, s.instance, signal, request)
		if errors.Is(err, errUnreadable) {
			refused.export(err, signal)
			return taken, nil
		}
		s.evidence.wanted = s.evidence.wanted || taken
		return taken, err
	}
	var said error
	news, events, bytes := false, 0, 0
	for ; b != nil; b = in.more() {
		again, err := s.accept(b)
		if err != nil {
			return nil, err
		}
		if again {
			continue
		}
		news = true
		if said = s.deliver(ctx, b); errors.Is(said, wire.ErrMalformed) {
			refused.batch(said, b)
			said = nil
		} else {
			s.evidence.came(b, callbacks.Interest(s.instance))
		}
		events += len(b.GetEvents().GetHook()) + len(b.GetExports())
		for _, e := range b.GetExports() {
			bytes += len(e.GetRequest())
		}
		if said != nil || events >= wire.MaxEvents || bytes >= wire.MaxMessage {
			break
		}
	}
	if !news {
		return &pb.Ack{Epoch: s.epoch, Seq: s.seq, Output: s.out.take()}, nil
	}
	if events >= wire.MaxEvents || bytes >= wire.MaxMessage || in.full() {
		s.mu.Lock()
		s.hasten()
		s.mu.Unlock()
	}
	var lost *pb.Losses // all
	if err := guard("Flush", func() error { return s.instance.Flush(ctx) }); said == nil {
		said, lost = err, partOf(err)
	}
	exported := s.evidence.shown(s.instance, said == nil)
	lost, said = refused.join(said, lost)
	refusals := s.refusals()
	s.note(said, refusals)
	return &pb.Ack{
		Epoch: s.epoch, Seq: s.seq, Error: valid(said), Lost: lost, Output: s.out.take(),
		Exported: exported, Failure: failureOf(said), Refused: refusals,
	}, nil
}

// refuser is an instance that says which signals its destination does not take.
type refuser interface{ Refused() []*pb.Refusal }

// refusals asks the instance, whose code is not ours.
func (s *Server) refusals() (list []*pb.Refusal) {
	r, ok := as[refuser](s.instance)
	if !ok {
		return nil
	}
	_ = guard("Refused", func() error {
		for _, refusal := range r.Refused() {
			list = append(list, &pb.Refusal{Signal: refusal.GetSignal(), Reason: clipped(refusal.GetReason())})
		}
		return nil
	})
	return list
}

// partOf returns what err says is lost; nil for all.
func partOf(err error) *pb.Losses {
	e, ok := errors.AsType[interface {
		error
		Lost() Losses
	}](err)
	if !ok {
		return nil
	}
	l := e.Lost()
	count := func(n int) uint64 { return uint64(max(n, 0)) }
	return &pb.Losses{Events: count(l.Hooks), Traces: count(l.Traces), Metrics: count(l.Metrics), Logs: count(l.Logs)}
}

// accept notes the number of a batch. The batch comes again if it was handled, and
// its acknowledgement was lost.
func (s *Server) accept(b *pb.Batch) (again bool, err error) {
	if b.GetEpoch() != s.epoch {
		s.epoch, s.seq = b.GetEpoch(), 0
	}
	if s.seq > 0 && b.GetSeq() > s.seq+1 {
		return false, status.Errorf(codes.InvalidArgument, "batch %d after batch %d", b.GetSeq(), s.seq)
	}
	if b.GetSeq() != 0 && b.GetSeq() <= s.seq {
		return true, nil
	}
	s.seq = b.GetSeq()
	return false, nil
}

// valid returns the text of err as the protocol can carry it; empty for nil.
func valid(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if text == "" {
		text = fmt.Sprintf("%T", err)
	}
	return clipped(text)
}

func clipped(text string) string {
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
