package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// SinkArea is the area of the rules that need a [Sink].
const SinkArea = "sink"

// slack is what an answer may take on its way, beyond its deadline.
const slack = time.Second

var sinkRules = []Rule{
	{
		ID: "sink-arrives", Area: SinkArea, check: inSink(arrives),
		Text: "The span of every scope that has ended has arrived at the sink when its batch is acknowledged without an error and Flush was answered.",
	},
	{
		ID: "sink-fails", Area: SinkArea, check: inSink(failing),
		Text: "While the sink refuses what it is given, no batch is acknowledged without an error; when it works again, batches are delivered again.",
	},
	{
		ID: "sink-fails-health", Area: SinkArea, check: inSink(failingHealth),
		Text: "While the sink refuses what it is given, Health says STATUS_DEGRADED and why.",
	},
	{
		ID: "sink-hangs", Area: SinkArea, check: inSink(hanging),
		Text: "While the sink does not answer, no batch is acknowledged without an error.",
	},
	{
		ID: "sink-hangs-health", Area: SinkArea, check: inSink(hangingHealth),
		Text: "While the sink does not answer, Health is answered within a second.",
	},
	{
		ID: "sink-hangs-flush", Area: SinkArea, check: inSink(hangingFlush),
		Text: "While the sink does not answer, a Flush with a deadline brings the Ack of the batch under way by then, with an error.",
	},
	{
		ID: "sink-hangs-patience", Area: SinkArea, check: inSink(hangingPatience),
		Text: "A Flush without a deadline cuts nothing short, even when it is cancelled: when the sink answers again the batch under way is acknowledged without an error.",
	},
}

// inSink makes a check of a backend whose sink is known, and works again afterwards.
func inSink(f func(context.Context, *session) error) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		if t.Sink == nil {
			return skip("needs a sink")
		}
		if t.Sink.Set != nil {
			t.Sink.Set(Works)
			defer t.Sink.Set(Works)
		}
		return configured(f)(ctx, t)
	}
}

func arrives(ctx context.Context, s *session) error {
	if _, known := s.target.spans(); !known {
		return skip("needs a sink whose spans are known")
	}
	w := newScript()
	everything(w)
	if err := s.deliver(ctx, w.batches(9)...); err != nil {
		return err
	}
	if _, err := s.flush(ctx); err != nil {
		return err
	}
	return s.arrived(w, false)
}

// claims says that a batch is acknowledged without an error while the sink is in a
// state.
func (s *session) claims(ctx context.Context, state State, f func(*stream, *script) error) error {
	if err := s.target.set(state); err != nil {
		return err
	}
	w := newScript()
	nested(w)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.cut()
	b := w.batch()
	if err := st.send(b); err != nil {
		return err
	}
	asking, cancel := limited(ctx, s.target.limit().patience)
	defer cancel()
	go func() { _, _ = s.rpc.Flush(asking, &pb.FlushRequest{}) }() // the host waits
	if st.until(asking, b.GetSeq()) == nil && st.refused() == nil {
		return errors.New("a batch is acknowledged without an error")
	}
	return f(st, w)
}

func failing(ctx context.Context, s *session) error {
	return s.claims(ctx, Fails, func(st *stream, w *script) error {
		if err := s.target.set(Works); err != nil {
			return err
		}
		if err := st.await(w.seq); err != nil {
			return fmt.Errorf("when the sink works again: %w", err)
		}
		next := newScript()
		next.epoch, next.seq, next.order = w.epoch, w.seq, w.order
		nested(next)
		st.all = nil
		if err := st.deliver(next.batch()); err != nil {
			return fmt.Errorf("when the sink works again: %w", err)
		}
		return s.arrived(next, false)
	})
}

func failingHealth(ctx context.Context, s *session) error {
	if err := s.target.set(Fails); err != nil {
		return err
	}
	w := newScript()
	nested(w)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.cut()
	if err := st.send(w.batch()); err != nil {
		return err
	}
	if err := st.await(1); err != nil {
		return skip("the batch has no Ack yet") // it may be tried for longer than the check waits
	}
	h, err := s.health(ctx)
	switch {
	case err != nil:
		return err
	case h.GetStatus() != pb.HealthResponse_STATUS_DEGRADED:
		return fmt.Errorf("the status is %s", h.GetStatus())
	case h.GetMessage() == "":
		return errors.New("there is no message")
	}
	return nil
}

func hanging(ctx context.Context, s *session) error {
	return s.claims(ctx, Hangs, func(*stream, *script) error { return nil })
}

func hangingHealth(ctx context.Context, s *session) error {
	return s.claims(ctx, Hangs, func(*stream, *script) error {
		_, err := s.health(ctx)
		return err
	})
}

func hangingFlush(ctx context.Context, s *session) error {
	return s.claims(ctx, Hangs, func(st *stream, w *script) error {
		hasty := s.target.limit().deadline
		asking, cancel := context.WithTimeout(ctx, hasty)
		defer cancel()
		go func() { _, _ = s.rpc.Flush(asking, &pb.FlushRequest{}) }()
		waiting, stop := limited(ctx, hasty+slack)
		defer stop()
		if err := st.until(waiting, w.seq); err != nil {
			return fmt.Errorf("after a Flush with a deadline of %s: %w", hasty, err)
		}
		if st.refused() == nil {
			return errors.New("a batch is acknowledged without an error")
		}
		return nil
	})
}

func hangingPatience(ctx context.Context, s *session) error {
	if err := s.target.set(Hangs); err != nil {
		return err
	}
	w := newScript()
	nested(w)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.cut()
	b := w.batch()
	if err := st.send(b); err != nil {
		return err
	}
	asking, cancel := limited(ctx, s.target.limit().patience)
	defer cancel()
	for asking.Err() == nil {
		_, _ = s.rpc.Flush(asking, &pb.FlushRequest{})
		select {
		case <-time.After(again):
		case <-asking.Done():
		}
	}
	if _, err := s.health(ctx); err != nil { // by then the backend knows that nobody waits
		return err
	}
	if err := s.target.set(Works); err != nil {
		return err
	}
	if err := st.await(b.GetSeq()); err != nil {
		return fmt.Errorf("when the sink works again: %w", err)
	}
	if err := st.refused(); err != nil {
		return err
	}
	return s.arrived(w, false)
}
