package pluginhost

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// EndReason says in a word why a backend ended that was to go on.
type EndReason string

// The reasons.
const (
	// Exited: its process ended by itself, or somebody killed it.
	Exited EndReason = "exited"
	// Hung: it gave no sign of life, and was killed.
	Hung EndReason = "hung"
	// Broke: its connection ended, or what came over it made no sense.
	Broke EndReason = "connection"
	// NotStarted: it could not be started again.
	NotStarted EndReason = "start"
)

// EndReasons returns all of them.
func EndReasons() []EndReason { return []EndReason{Exited, Hung, Broke, NotStarted} }

// run keeps the backend up until the host's context ends.
func (h *Host) run() {
	sv := &supervisor{first: h.spec.restartDelay}
	for first := true; ; first = false {
		up, err := h.serve()
		if h.ctx.Err() != nil || h.closing.Load() {
			return
		}
		switch {
		case first && up == 0 && !h.spec.patient(), isFinal(err), up == 0 && h.isClosing():
			h.fail(err, first && h.spec.Required)
			return
		}
		delay := sv.next(up, rand.Float64()) //nolint:gosec // it need not be secret
		h.note(h.restart(err, up > 0, delay).Error())
		select {
		case <-time.After(delay):
		case <-h.urge:
		case <-h.ctx.Done():
			return
		}
	}
}

// serve starts the backend and feeds it until that ends. It returns how long the
// backend took events, and why it ended.
func (h *Host) serve() (up time.Duration, err error) {
	s, err := h.spec.Launch.launch(h.ctx, &h.spec)
	if err != nil {
		return 0, err
	}
	s.rpc = timed{s.rpc, &h.queue.calls}
	h.mu.Lock()
	h.session = s
	late := h.state == Closed // then Shutdown has not seen the session
	h.mu.Unlock()
	if late {
		s.stop(context.Background(), false)
		return 0, nil
	}
	defer func() {
		if !h.closing.Load() { // else Shutdown ends it
			s.kill()
			h.wg.Go(func() { s.stop(context.Background(), false) })
		}
	}()
	life, end := context.WithCancelCause(h.ctx)
	defer end(nil)
	stream, err := h.open(life, s)
	if err != nil {
		return 0, h.spec.hint(h.explain(s, err))
	}
	if !h.rewind(life) {
		return 0, nil
	}
	began := time.Now()
	h.goUp()
	var wg sync.WaitGroup
	wg.Go(func() { end(h.receive(life, s, stream)) })
	wg.Go(func() { h.watch(life, s, end) })
	h.send(life, stream)
	<-life.Done()
	h.goDown()
	up = max(time.Since(began), 1)
	wg.Wait() // nothing is acknowledged any more
	if h.durable() == nil && !h.closing.Load() {
		h.queue.rewind()
	}
	return up, context.Cause(life)
}

// rewind has all that is not acknowledged sent again, from the spool if there is one.
// It is false when life has ended.
func (h *Host) rewind(life context.Context) bool {
	if h.spec.Durable == nil {
		return true
	}
	select {
	case <-h.opened:
	case <-life.Done():
		return false
	}
	if h.courier != nil {
		h.courier.begin()
	}
	return true
}

// goUp says that the backend takes events.
func (h *Host) goUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != Closed {
		h.state = Ready
	}
	close(h.up)
}

// goDown says that it does not any more.
func (h *Host) goDown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up = make(chan struct{})
}

// isClosing reports whether Shutdown was called.
func (h *Host) isClosing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shutdown
}

// restart says that the backend will be started again, and why that is needed.
func (h *Host) restart(err error, was bool, delay time.Duration) error {
	reason := endReason(err)
	if !was {
		reason = NotStarted
	}
	err = shown(err, h.spec.Redact)
	h.mu.Lock()
	h.cause = err
	if h.state != Closed {
		h.state = Restarting
	}
	h.restarts[reason]++
	h.mu.Unlock()
	text := "backend is started again"
	if h.spec.elsewhere() {
		text = "backend is connected to again"
	}
	h.spec.log(slog.LevelWarn, text, slog.String("reason", err.Error()), slog.String("delay", delay.Round(time.Millisecond).String()))
	return err
}

func endReason(err error) EndReason {
	if _, ok := errors.AsType[*exitedError](err); ok {
		return Exited
	}
	if _, ok := errors.AsType[*hungError](err); ok {
		return Hung
	}
	return Broke
}

// isFinal reports whether starting the backend again would be of no use.
func isFinal(err error) bool {
	if _, ok := errors.AsType[*configsError](err); ok {
		return true
	}
	start, ok := errors.AsType[*StartError](err)
	return ok && !start.Problem.passes()
}
