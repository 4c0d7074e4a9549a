package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// maxErrorText bounds the text of an error that goes to the host.
const maxErrorText = 8 << 10

// Stream implements the service.
func (s *Server) Stream(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack]) error {
	if !s.streaming.CompareAndSwap(false, true) {
		return status.Error(codes.FailedPrecondition, "a stream is open already")
	}
	defer s.streaming.Store(false)
	for {
		b, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // the status is gRPC's
		}
		ack, err := s.batch(stream, b)
		if err != nil {
			return err
		}
		if err := stream.Send(ack); err != nil {
			return err //nolint:wrapcheck // the status is gRPC's
		}
	}
}

// batch handles one batch: hooks and exports, flush, acknowledgement.
func (s *Server) batch(stream grpc.BidiStreamingServer[pb.Batch, pb.Ack], b *pb.Batch) (*pb.Ack, error) {
	ctx := stream.Context()
	if err := s.acquire(ctx); err != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	defer s.release()
	if s.instance == nil {
		return nil, status.Error(codes.FailedPrecondition, "no instance is open")
	}
	if b.GetEpoch() != s.epoch {
		s.epoch, s.seq = b.GetEpoch(), 0
	}
	if s.seq > 0 && b.GetSeq() > s.seq+1 {
		return nil, status.Errorf(codes.InvalidArgument, "batch %d after batch %d", b.GetSeq(), s.seq)
	}
	if b.GetSeq() != 0 && b.GetSeq() <= s.seq {
		// Sent again, though it was handled: the acknowledgement was lost.
		return &pb.Ack{Epoch: s.epoch, Seq: s.seq, Output: s.out.take()}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.cancelBatch = cancel
	if time.Now().Before(s.hurried) {
		cancel()
	}
	s.mu.Unlock()
	s.decoder.Export = func(signal pb.Signal, request []byte) (bool, error) {
		return receive(ctx, s.instance, signal, request)
	}
	err := s.decoder.Deliver(b, s.instance)
	if flushErr := guard("Flush", func() error { return s.instance.Flush(ctx) }); err == nil {
		err = flushErr
	}
	s.seq = b.GetSeq()
	s.note(err)
	return &pb.Ack{Epoch: s.epoch, Seq: s.seq, Error: valid(err), Output: s.out.take()}, nil
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
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
