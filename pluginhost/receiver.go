package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// receive takes acknowledgements until the stream ends.
func (h *Host) receive(s *session, stream pb.Backend_StreamClient) {
	for {
		ack, err := stream.Recv()
		if err != nil {
			h.fail(h.explain(s, err))
			return
		}
		if ack.GetEpoch() != h.epoch {
			continue
		}
		if !h.queue.ack(ack.GetSeq(), ack.GetError() != "") {
			h.fail(fmt.Errorf("it acknowledged batch %d, which was not sent", ack.GetSeq()))
			return
		}
		h.write(ack.GetOutput())
		h.mu.Lock()
		if e := ack.GetError(); e != "" {
			line, _, _ := strings.Cut(e, "\n")
			h.exportErr = escape(line)
		}
		if h.state == Degraded {
			h.state = Ready
		}
		h.mu.Unlock()
	}
}

// write passes on what the backend wrote for people. It does not wait.
func (h *Host) write(p []byte) { _, _ = h.out.Write(p) }

// watch kills a backend that is hung: one that has not acknowledged for long,
// and does not say that it is well either.
func (h *Host) watch(s *session) {
	tick := time.NewTicker(h.spec.ackTimeout / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-h.ctx.Done():
			return
		}
		oldest, ok := h.queue.oldest()
		if !ok || time.Since(oldest) < h.spec.ackTimeout {
			continue
		}
		ctx, cancel := context.WithTimeout(h.ctx, h.spec.healthTimeout)
		_, err := s.rpc.Health(ctx, &pb.HealthRequest{})
		cancel()
		if err != nil {
			if h.ctx.Err() == nil {
				h.fail(h.hung(s, err))
			}
			return
		}
		h.mu.Lock()
		if h.state == Ready {
			h.state = Degraded
		}
		h.mu.Unlock()
	}
}

// hung says why a backend without a sign of life is given up.
func (h *Host) hung(s *session, err error) error {
	if status, ok := s.exitedSoon(0); ok {
		return s.exitError(status)
	}
	return &callError{text: fmt.Sprintf("no answer for %s and no sign of life, so it was killed", h.spec.ackTimeout), err: err}
}

// explain says what an error of a call was about: mostly that the process is
// gone.
func (h *Host) explain(s *session, err error) error {
	var se *StartError
	var ce *configsError
	if errors.As(err, &se) || errors.As(err, &ce) {
		return err
	}
	if h.ctx.Err() == nil {
		if status, ok := s.exitedSoon(500 * time.Millisecond); ok {
			return s.exitError(status)
		}
	}
	return plain(err)
}

// plain takes gRPC's words out of an error's text.
func plain(err error) error {
	if s, ok := status.FromError(err); ok && s.Message() != "" {
		return &callError{text: s.Message(), err: err}
	}
	return err
}

// callError is a gRPC error with a short text.
type callError struct {
	text string
	err  error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.err }
