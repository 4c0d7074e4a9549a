package backend

import (
	"context"
	"time"
)

// hurryKey is that of the channel which [Hurry] returns.
type hurryKey struct{}

// Hurry returns a channel that is closed when the Flush which has ctx should hold
// nothing back to send it together with what comes later: the program waits for
// it, or ends, or there is so much that more would make nothing better. What is
// being sent may take its time: that ends with ctx, not with Hurry.
//
// It is nil, which is never closed, for a context that is not of a Flush.
func Hurry(ctx context.Context) <-chan struct{} {
	ch, _ := ctx.Value(hurryKey{}).(chan struct{})
	return ch
}

// askedAgain is longer than a host that waits lets pass before it asks again.
const askedAgain = 100 * time.Millisecond

// flushContext returns the context of one call of Flush. cancel frees it.
func (s *Server) flushContext(ctx context.Context) (_ context.Context, cancel func()) {
	ch := make(chan struct{})
	ctx, end := context.WithCancel(context.WithValue(ctx, hurryKey{}, ch))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelFlush, s.urgent = end, ch
	now := time.Now()
	if now.Before(s.hurried) {
		end()
	}
	if now.Sub(s.asked) < askedAgain {
		s.hasten()
	}
	return ctx, end
}

// ask notes that the host waits.
func (s *Server) ask() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Now()
	s.hasten()
}

// hasten tells the Flush under way to hold nothing back. The lock is held.
func (s *Server) hasten() {
	if s.urgent != nil {
		close(s.urgent)
		s.urgent = nil
	}
}
