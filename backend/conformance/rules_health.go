package conformance

import (
	"context"
	"fmt"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const checking = "health"

var healthRules = []Rule{
	{
		ID: "health-any-time", Area: checking, check: fresh(healthAnyTime),
		Text: "Health is answered before Configure, after it, and after Shutdown, within a second.",
	},
	{
		ID: "health-ok", Area: checking, check: configured(healthOK),
		Text: "After an export that went well the status is STATUS_OK, and the message empty.",
	},
	{
		ID: "health-busy", Area: checking, check: configured(healthBusy),
		Text: "Health is answered within a second while batches are handled.",
	},
}

func healthAnyTime(ctx context.Context, s *session) error {
	if _, err := s.health(ctx); err != nil {
		return fmt.Errorf("before Configure: %w", err)
	}
	if err := s.configure(ctx); err != nil {
		return err
	}
	if _, err := s.health(ctx); err != nil {
		return fmt.Errorf("after Configure: %w", err)
	}
	if _, err := s.shutdown(ctx); err != nil {
		return skip("Shutdown fails")
	}
	if _, err := s.health(ctx); err != nil {
		return fmt.Errorf("after Shutdown: %w", err)
	}
	return nil
}

func healthOK(ctx context.Context, s *session) error {
	w := newScript()
	nested(w)
	if err := s.deliver(ctx, w.batch()); err != nil {
		return err
	}
	h, err := s.health(ctx)
	switch {
	case err != nil:
		return err
	case h.GetStatus() != pb.HealthResponse_STATUS_OK:
		return fmt.Errorf("the status is %s: %s", h.GetStatus(), short(h.GetMessage()))
	case h.GetMessage() != "":
		return fmt.Errorf("the message is %q", short(h.GetMessage()))
	}
	return nil
}

func healthBusy(ctx context.Context, s *session) error {
	w := newScript()
	bigMap(w)
	list := w.batches(4000)
	st, err := s.stream(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	delivered := make(chan error, 1)
	go func() { delivered <- st.deliver(list...) }()
	for {
		select {
		case err := <-delivered:
			return err
		default:
		}
		if _, err := s.health(ctx); err != nil {
			st.end()
			<-delivered //nolint:errcheck // the first error says it
			return fmt.Errorf("while batches are handled: %w", err)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
