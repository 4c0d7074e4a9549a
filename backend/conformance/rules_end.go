package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const ending = "end"

var endRules = []Rule{
	{
		ID: "flush", Area: ending, check: configured(flushes),
		Text: "Flush is answered without an error when all is well: before the first batch, after batches, and twice.",
	},
	{
		ID: "shutdown", Area: ending, check: configured(shutsDown),
		Text: "Shutdown flushes and closes the instance, and is answered without an error when all is well.",
	},
	{
		ID: "shutdown-unused", Area: ending, check: fresh(func(ctx context.Context, s *session) error {
			_, err := s.shutdown(ctx)
			return err
		}),
		Text: "Shutdown is answered when there was no Configure.",
	},
	{
		ID: "shutdown-twice", Area: ending, check: configured(shutsDownTwice),
		Text: "A second Shutdown is answered, and says of no loss.",
	},
	{
		ID: "shutdown-then-batches", Area: ending, check: configured(afterShutdown),
		Text: "After Shutdown no batch is acknowledged without an error.",
	},
	{
		ID: "interrupts", Area: ending, Process: true, check: interrupted,
		Text: "Interrupts (SIGINT) are ignored, before Configure and after it.",
	},
	{
		ID: "exit-after-shutdown", Area: ending, Process: true, check: exits(true),
		Text: "After Shutdown the process ends by itself, within 5 s of the end of its connection, with status 0.",
	},
	{
		ID: "exit-without-host", Area: ending, Process: true, check: exits(false),
		Text: "When the host is gone without a word the process ends by itself, within 5 s of the end of its connection.",
	},
	{
		ID: "exit-without-parent", Area: ending, Process: true, check: orphaned,
		Text: "When the process that has started it is gone the process ends by itself, within 5 s, even if its connection goes on.",
	},
	{
		ID: "exit-unconnected", Area: ending, Process: true, beside: true, check: unconnected,
		Text: "When no host has connected 10 s after the start the process ends by itself, within 5 s more, and not before.",
	},
}

func flushes(ctx context.Context, s *session) error {
	say := func(when string) error {
		f, err := s.flush(ctx)
		if err == nil && f.GetError() != "" {
			err = errors.New("Flush says: " + short(f.GetError()))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", when, err)
		}
		return nil
	}
	if err := say("before the first batch"); err != nil {
		return err
	}
	w := newScript()
	nested(w)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.deliver(w.batches(5)...); err != nil {
		return err
	}
	if err := say("after batches"); err != nil {
		return err
	}
	return say("a second time")
}

func shutsDown(ctx context.Context, s *session) error {
	w := newScript()
	nested(w)
	if err := s.deliver(ctx, w.batches(5)...); err != nil {
		return err
	}
	a, err := s.shutdown(ctx)
	if err == nil && a.GetError() != "" {
		err = errors.New("Shutdown says: " + short(a.GetError()))
	}
	if err != nil {
		return err
	}
	return s.arrived(w, false)
}

func shutsDownTwice(ctx context.Context, s *session) error {
	if _, err := s.shutdown(ctx); err != nil {
		return skip("Shutdown fails")
	}
	a, err := s.shutdown(ctx)
	if err == nil && a.GetError() != "" {
		err = errors.New("Shutdown says: " + short(a.GetError()))
	}
	if err != nil {
		return fmt.Errorf("the second time: %w", err)
	}
	return nil
}

func afterShutdown(ctx context.Context, s *session) error {
	if _, err := s.shutdown(ctx); err != nil {
		return skip("Shutdown fails")
	}
	w := newScript()
	w.pipeline("daily").ok()
	st, err := s.stream(ctx)
	if err != nil {
		return nil // refused, as it may be
	}
	defer st.end()
	if st.send(w.batch()) != nil {
		return nil
	}
	ctx, cancel := limited(ctx, s.target.limit().patience)
	defer cancel()
	if st.until(ctx, 1) == nil && st.refused() == nil {
		return errors.New("a batch was acknowledged")
	}
	return nil
}

// exits makes a check of the end of the process, after a Shutdown or without.
func exits(clean bool) func(context.Context, *Target) error {
	return func(ctx context.Context, t *Target) error {
		s, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer s.free()
		if err := s.configure(ctx); err != nil {
			return s.explain(err)
		}
		w := newScript()
		root := w.pipeline("daily")
		root.node("fetch")
		if err := s.deliver(ctx, w.batch()); err != nil {
			return s.explain(err)
		}
		if clean {
			if _, err := s.shutdown(ctx); err != nil {
				return s.explain(err)
			}
		} else {
			s.proc.closePipes() // as the system does for a host that was killed
		}
		s.hangUp()
		if !s.proc.ended(ctx, t.limit().exit) {
			return fmt.Errorf("the process still runs %s after the end of its connection", t.limit().exit)
		}
		if clean && !s.proc.cmd.ProcessState.Success() {
			return fmt.Errorf("the process ended with %s%s", s.proc.cmd.ProcessState, s.proc.wrote())
		}
		return nil
	}
}

func interrupted(ctx context.Context, t *Target) error {
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer s.free()
	if err := interrupt(s.proc.cmd.Process); err != nil {
		return err
	}
	if err := s.configure(ctx); err != nil {
		return s.explain(fmt.Errorf("after an interrupt: %w", err))
	}
	w := newScript()
	nested(w)
	if err := s.deliver(ctx, w.batches(5)...); err != nil {
		return s.explain(fmt.Errorf("after an interrupt: %w", err))
	}
	if err := interrupt(s.proc.cmd.Process); err != nil {
		return s.explain(err)
	}
	if s.proc.ended(ctx, t.limit().patience) {
		return fmt.Errorf("the process has ended (%s) after an interrupt%s", s.proc.cmd.ProcessState, s.proc.wrote())
	}
	nested(w)
	if err := s.deliver(ctx, w.batches(5)...); err != nil {
		return s.explain(fmt.Errorf("after an interrupt: %w", err))
	}
	return s.arrived(w, false)
}

func unconnected(ctx context.Context, t *Target) error {
	return shaken(ctx, t, func(p *process, _ handshake) error {
		limit := t.limit()
		if !p.ended(ctx, time.Until(p.began.Add(limit.connect+limit.exit))) {
			return fmt.Errorf("the process still runs %s after its start", limit.connect+limit.exit)
		}
		if after := time.Since(p.began); after < limit.connect-slack {
			return fmt.Errorf("the process has ended (%s) %s after its start%s", p.cmd.ProcessState, after.Round(time.Millisecond), p.wrote())
		}
		return nil
	})
}
