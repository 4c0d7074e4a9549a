package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// maxIdle is how many acknowledgements in a row may be of no use: say nothing new, and
// carry no output that is shown. A backend that keeps the rules sends few.
const maxIdle = 1000

// maxSaid bounds what is looked at of an error's text, in bytes.
const maxSaid = 8 << 10

// receive takes acknowledgements until the stream ends, and returns why it did.
func (h *Host) receive(life context.Context, s *session, stream pb.Backend_StreamClient) error {
	for idle := 0; ; idle++ {
		if idle > maxIdle {
			return fmt.Errorf("it sent %d acknowledgements in a row that say nothing new", idle)
		}
		ack, err := stream.Recv()
		if err != nil && life.Err() == nil {
			err = h.explain(s, err)
		}
		if err != nil {
			return err // the first counts
		}
		if ack.GetEpoch() != h.epoch && h.durable() == nil {
			continue
		}
		h.exports(h.note(ack.GetError())) // before those who wait for the acknowledgement ask
		news, ok := h.acked(ack)
		if !ok {
			return fmt.Errorf("it acknowledged batch %d, which was not sent", ack.GetSeq())
		}
		if news || len(ack.GetOutput()) > 0 && !h.spec.elsewhere() {
			idle = 0
		}
		h.write(ack.GetOutput())
		h.mu.Lock()
		if h.state == Degraded {
			h.state = Ready
		}
		h.mu.Unlock()
	}
}

// lostOf returns how much of what a backend acknowledges it says is lost. An error with
// nothing lost is a warning.
func lostOf(ack *pb.Ack) units {
	switch l := ack.GetLost(); {
	case ack.GetError() == "":
		return units{}
	case l == nil:
		return everything
	default:
		return units{l.GetEvents(), l.GetTraces(), l.GetMetrics(), l.GetLogs()}
	}
}

// note keeps the error of an export, for the line about losses. That time was up
// does not take the place of a better reason: what is left at the end fails for
// the cause that the earlier ones failed for, and has no time to find it out.
func (h *Host) note(text string) (line string) {
	text = text[:min(len(text), maxSaid)]
	line, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if line = h.clean(line); line == "" {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.said == "" || !timeIsUp(line) {
		h.said = line
	}
	return line
}

func timeIsUp(text string) bool {
	return strings.HasSuffix(text, context.Canceled.Error()) || strings.HasSuffix(text, context.DeadlineExceeded.Error())
}

// clean makes a text one that may leave the host.
func (h *Host) clean(text string) string { return clean(text, h.spec.Redact) }

// write passes on what the backend wrote for people, if that is the program's own. It
// does not wait.
func (h *Host) write(p []byte) {
	if !h.spec.elsewhere() {
		_, _ = h.out.Write(p)
	}
}

// watch ends the life of a backend that is hung: one that has not acknowledged for
// long, and does not say that it is well either.
func (h *Host) watch(life context.Context, s *session, end func(error)) {
	tick := time.NewTicker(h.spec.ackTimeout / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-life.Done():
			return
		}
		oldest, ok := h.oldest()
		if !ok || time.Since(oldest) < h.spec.ackTimeout {
			continue
		}
		ctx, cancel := context.WithTimeout(life, h.spec.healthTimeout)
		_, err := s.rpc.Health(ctx, &pb.HealthRequest{})
		cancel()
		if err != nil {
			if life.Err() == nil {
				end(h.hung(s, err))
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

// acked notes an acknowledgement, and reports whether it is news. It is not ok when there
// was no such batch.
func (h *Host) acked(ack *pb.Ack) (news, ok bool) {
	refused := h.refusals(ack.GetRefused())
	if c := h.durable(); c != nil {
		return c.ack(ack.GetEpoch(), ack.GetSeq(), answer{lostOf(ack), ack.GetExported(), ack.GetFailure()})
	}
	return h.queue.ack(ack.GetSeq(), lostOf(ack), refused)
}

// oldest returns when the oldest unacknowledged batch was sent.
func (h *Host) oldest() (time.Time, bool) {
	if c := h.durable(); c != nil {
		return c.oldest()
	}
	return h.queue.oldest()
}

// hung says why a backend without a sign of life is given up.
func (h *Host) hung(s *session, err error) error {
	if status, ok := s.exitedSoon(0); ok {
		return s.exitError(status)
	}
	return &hungError{fmt.Sprintf("no answer for %s and no sign of life, so it was killed", h.spec.ackTimeout), err}
}

// hungError is that of a backend without a sign of life.
type hungError struct {
	text string
	err  error
}

func (e *hungError) Error() string { return e.text }
func (e *hungError) Unwrap() error { return e.err }

// explain says what an error of a call was about: mostly that the process is
// gone.
func (h *Host) explain(s *session, err error) error {
	if _, ok := errors.AsType[*configsError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*faultsError](err); ok {
		return err
	}
	if se, ok := errors.AsType[*StartError](err); ok {
		if len(se.Stderr) == 0 {
			se.Stderr = s.lines()
		}
		return err
	}
	if h.ctx.Err() == nil {
		if status, ok := s.exitedSoon(500 * time.Millisecond); ok {
			return s.exitError(status)
		}
	}
	if ended(err) {
		return &cleanError{text: endedText, err: err}
	}
	return err
}

const endedText = "the backend ended the connection"

// ended reports whether err says nothing but that a connection has ended.
func ended(err error) bool {
	if errors.Is(err, io.EOF) {
		return true
	}
	if status.Code(err) != codes.Unavailable {
		return false
	}
	text := plain(err)
	for _, words := range [...]string{"EOF", "connection reset", "broken pipe", "transport is closing", "closed the connection", "connection closed"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}
