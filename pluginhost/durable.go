package pluginhost

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spanloom/spanloom/internal/spool"
)

// Durable says where events are kept on the disk from before they are sent until the
// backend has exported them.
type Durable struct {
	// Dir is the directory of the backend's spool, which is made if there is none. It
	// must be ours alone. Processes may share it if they feed the same backend for the
	// same service. Required.
	Dir string
	// MaxBytes is the most that this process keeps there, with what earlier ones have
	// left. What comes when it is full is dropped and counted. Defaults to 1 GiB.
	MaxBytes int64
	// MaxAge is how long an event is kept. Defaults to 7 days.
	MaxAge time.Duration
	// Replay is the command that sends what is kept, for the line that says how much is.
	// Defaults to nothing.
	Replay string
	// Others returns what to say in the log, when the spool is opened, of what is kept
	// elsewhere and nobody sends; nil for nothing. It may take as long as the disk does.
	// Defaults to nil.
	Others func() []slog.Attr
}

// openSpool opens the spool, if there is to be one. The disk may hang.
func (h *Host) openSpool() {
	d := h.spec.Durable
	if d == nil {
		return
	}
	defer close(h.opened)
	if d.Others != nil {
		h.wg.Go(func() {
			if attrs := d.Others(); len(attrs) > 0 {
				h.spec.log(slog.LevelWarn, "events of another service are kept, and no program sends them", attrs...)
			}
		})
	}
	var s *spool.Spool
	err := errors.New("there is no directory for the spool, as this user has none for state: choose one")
	if d.Dir != "" {
		s, err = spool.Open(d.Dir, h.epoch, spool.Config{MaxBytes: d.MaxBytes, MaxAge: d.MaxAge})
	}
	if err != nil {
		h.spoolErr = shown(err, h.spec.Redact)
		h.spec.log(slog.LevelWarn, "delivery is not durable", slog.String("reason", h.spoolErr.Error()))
		return
	}
	h.courier = newCourier(s, h.queue, h.epoch, h.Takes, h.spec.retryDelay)
	for _, err := range s.Problems() {
		h.unused(err)
	}
	if st := s.Stats(); st.Adopted.Events > st.Stale.Events {
		h.spec.log(slog.LevelInfo, "events of earlier runs are being sent", slog.Uint64("events", st.Adopted.Events-st.Stale.Events))
	}
}

// durable returns what sends from the spool; nil when there is none, or not yet.
func (h *Host) durable() *courier {
	if h.spec.Durable == nil {
		return nil
	}
	select {
	case <-h.opened:
		return h.courier
	default:
		return nil
	}
}

// store waits until everything that was emitted is on the disk, or lost. It is false
// when it is not, or there is no spool.
func (h *Host) store(ctx context.Context) (safe bool) {
	if h.spec.Durable == nil {
		return false
	}
	select {
	case <-h.opened:
	case <-ctx.Done():
		return false
	}
	q := h.queue
	q.lockShards() // no record is between its number and its place
	target := q.order.Load()
	q.unlockShards()
	for h.courier != nil && !q.storedAll(target) {
		signal(h.hurry)
		select {
		case <-q.ledger.disk.changed:
		case <-ctx.Done():
			return false
		}
	}
	return h.courier != nil
}

const (
	// idleGrace is how long Shutdown waits for another delivery of what is safe on the
	// disk, when the last answer was that nothing could be exported.
	idleGrace = 500 * time.Millisecond
	// idleTicks is how often it does when there was no such answer.
	idleTicks = 4
)

// untilIdle calls stop once a backend that is up has delivered nothing for a while, if
// all is safe.
// The returned function reports whether it has, and ends that.
func (h *Host) untilIdle(ctx context.Context, stop func(), safe bool) (stopped func() bool) {
	if !safe {
		return func() bool { return false }
	}
	idle, done := false, make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		tick := time.NewTicker(idleGrace)
		defer tick.Stop()
		last, _ := h.courier.delivered()
		for ticks := 0; ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			now, failing := h.courier.delivered()
			if ticks++; now != last || !h.isUp() {
				ticks = 0
			}
			last = now
			if idle = failing && ticks > 0 || ticks == idleTicks; idle {
				stop()
				return
			}
		}
	}()
	return func() bool {
		cancel()
		<-done
		return idle
	}
}

// closeSpool lets go of the spool, until ctx ends and a moment longer. It may hang as
// the disk does.
func (h *Host) closeSpool(ctx context.Context) {
	if h.spec.Durable == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-h.opened
		if h.courier != nil {
			_ = h.courier.spool.Close() // nothing that was accepted depends on it
		}
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(grace):
	}
}

// Replay waits until everything is answered for that earlier runs have left in the
// spool, or the backend is down. Without a spool it returns at once.
func (h *Host) Replay(ctx context.Context) error {
	if h.spec.Durable == nil {
		return nil
	}
	select {
	case <-h.opened:
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // the caller knows its own
	}
	if h.courier == nil {
		return &hostError{name: h.spec.Name, place: h.spec.Place, err: h.spoolErr}
	}
	select {
	case <-h.courier.replayed:
		return nil
	case <-h.ctx.Done():
		return h.closedError()
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // the caller knows its own
	}
}

// Adopt has what another host has left in the same spool since this one was started
// sent too: one whose place it has taken, and that is shut down. [Stats.HandedOver] tells
// what became of it. Without a spool it does nothing.
func (h *Host) Adopt() {
	c := h.durable()
	if c == nil {
		return
	}
	before := len(c.spool.Problems())
	if err := c.adopt(); err != nil {
		h.unused(err)
	}
	for _, err := range c.spool.Problems()[before:] {
		h.unused(err)
	}
}

// unused says that a part of the spool is.
func (h *Host) unused(err error) {
	h.spec.log(slog.LevelWarn, "a part of the spool is not used", slog.String("reason", h.clean(err.Error())))
}

// Spool returns the directory of the spool; "" when there is none, or none that can be
// used, or the disk has not answered yet.
func (h *Host) Spool() string {
	if h.durable() == nil {
		return ""
	}
	return filepath.Clean(h.spec.Durable.Dir)
}
