package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

const (
	// defaultShutdown is the time of a Shutdown without a deadline.
	defaultShutdown = 5 * time.Second
	maxFlush        = time.Minute
	// maxReserve is the most of a Shutdown's time that is kept for ending the
	// backend when it does not flush.
	maxReserve = 500 * time.Millisecond
)

// Flush sends everything that was emitted so far and returns when the backend
// has answered for it. It returns the backend's error when that is down, one that says
// what was lost, and why, since the last Flush that did, and ctx's when that ends first, or a minute is over, and
// [ErrClosed] once Shutdown has begun. An export that is under way when ctx ends
// goes on. With a spool, what earlier runs have left comes first.
func (h *Host) Flush(ctx context.Context) error {
	h.mu.Lock()
	if h.shutdown {
		h.mu.Unlock()
		return h.closedError()
	}
	h.wg.Add(1) // before Shutdown waits
	told := h.flushed
	h.mu.Unlock()
	defer h.wg.Done()
	ctx, cancel := context.WithTimeout(ctx, maxFlush)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	// A deadline of its own would end what the backend does.
	calls, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, end)()
	err := h.flush(ctx, calls)
	switch {
	case err != nil && h.ctx.Err() == nil && isTimeout(err) && h.current() != nil:
		return h.unacknowledged(ctx.Err())
	case err != nil:
		return err
	}
	if err := h.lostSince(&told); err != nil {
		return err
	}
	before := h.current()
	r, err := before.rpc.Flush(calls, &pb.FlushRequest{})
	if h.ctx.Err() != nil || err != nil && h.closing.Load() { // it has no instance any more
		return h.closedError()
	}
	if err != nil && (ended(err) || h.current() != before) {
		return nil // it has ended since it has acknowledged everything
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("backend %q: flush: %w", h.spec.Name, shown(err, h.spec.Redact))
	}
	h.write(r.GetOutput())
	h.out.Settle() // to appear before what the program prints next
	if e := h.noteOwn(r.GetError()); e != "" {
		return fmt.Errorf("backend %q: flush: %s", h.spec.Name, e)
	}
	return nil
}

// lostSince says what was lost since somebody was told, nil if nothing was, and notes
// that it has been told.
func (h *Host) lostSince(told *[reasons]units) error {
	_, _, _, _, _, now := h.queue.counts()
	h.mu.Lock()
	h.flushed = now
	h.mu.Unlock()
	var all units
	for r := range now {
		now[r].sub(&told[r])
		all.add(&now[r])
	}
	if all == (units{}) {
		return nil
	}
	return fmt.Errorf("backend %q: flush: %s lost: %s", h.spec.Name, all.losses(), h.why(&now, nil, h.lastSaid()))
}

// lastSaid is why the backend could not export, in its words.
func (h *Host) lastSaid() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said
}

// noteOwn keeps an error that is not of a batch.
func (h *Host) noteOwn(text string) (line string) {
	if line = h.note(text); line != "" {
		h.mu.Lock()
		h.uncounted = true
		h.mu.Unlock()
	}
	return line
}

// closedError is why a host whose context has ended, or is about to, does nothing
// any more.
func (h *Host) closedError() error {
	if err := h.Err(); err != nil {
		return err
	}
	return fmt.Errorf("backend %q: %w", h.spec.Name, ErrClosed)
}

// flush waits until ctx ends for the acknowledgement of everything emitted so far. calls is the context of
// what it asks the backend for meanwhile: if it has a deadline, the backend must be
// done by then.
func (h *Host) flush(ctx, calls context.Context) error {
	if err := h.Ready(ctx); err != nil {
		return err
	}
	signal(h.hurry)
	calls, cancel := context.WithCancel(calls)
	defer cancel()
	answered := make(chan struct{})
	h.wg.Go(func() { h.hasten(calls, answered) }) // flush's caller holds wg above zero, or is Shutdown
	if err := h.queue.wait(ctx); err != nil {
		return fmt.Errorf("backend %q has not acknowledged everything: %w", h.spec.Name, err)
	}
	select { // what it says is for the line about losses
	case <-answered:
	case <-ctx.Done():
	}
	return h.Err()
}

// askTime is how long a backend may take to say what it is doing.
const askTime = 100 * time.Millisecond

// unacknowledged says what a flush has waited for in vain: how much, since when, and
// what the backend says that it is doing, or else what it said last.
func (h *Host) unacknowledged(err error) error {
	s := h.Stats()
	text := fmt.Sprintf("backend %q: flush: %d events are not acknowledged", h.spec.Name, s.InFlight+s.Kept)
	if at, ok := h.oldest(); ok {
		text += fmt.Sprintf(", the first of them sent %s ago", time.Since(at).Round(time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(h.ctx, askTime)
	defer cancel()
	health, failed := h.current().rpc.Health(ctx, &pb.HealthRequest{})
	said := h.lastSaid()
	switch doing := h.clean(health.GetDoing()); {
	case failed != nil:
		text += "; it does not answer"
	case doing != "":
		text += "; " + doing
	}
	if said != "" && !strings.Contains(text, said) {
		text += "; its last error: " + said
	}
	return fmt.Errorf("%s: %w", text, err)
}

// hasten tells the backend that the host waits, and by when it must be done if ctx
// has a deadline, until ctx ends. It does so again and again, because a call may overtake the batches that it is about.
// answered is closed after the first answer.
func (h *Host) hasten(ctx context.Context, answered chan<- struct{}) {
	for first := true; ; first = false {
		r, err := h.current().rpc.Flush(ctx, &pb.FlushRequest{})
		h.write(r.GetOutput())
		h.noteOwn(r.GetError())
		if first {
			close(answered)
		}
		if err != nil && h.ctx.Err() != nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// Shutdown flushes, ends the backend and frees everything. It returns by ctx's
// deadline whatever the backend does, or after five seconds when ctx has none;
// what was not acknowledged by then is counted as dropped, and makes the error. With
// a spool it is kept for the next start instead, and is no error: Shutdown then waits
// only for as long as something is delivered.
// A backend that went down before is no error: [Host.Lost] tells of it.
//
// Events that are emitted after Shutdown has begun are dropped and counted. A
// second Shutdown waits for the first.
func (h *Host) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	first := !h.shutdown
	h.shutdown = true
	h.mu.Unlock()
	if !first {
		select {
		case <-h.closed:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("backend %q: shutdown: %w", h.spec.Name, ctx.Err())
		}
	}
	close(h.leave)
	defer close(h.closed)
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultShutdown)
		defer cancel()
	}
	deadline, _ := ctx.Deadline()
	reserve := max(min(time.Until(deadline)/4, maxReserve), 0)

	h.queue.refuse(reasonAfterShutdown)
	signal(h.urge)
	flushCtx, cancel := context.WithDeadline(ctx, deadline.Add(-reserve))
	safe := h.store(flushCtx)
	early := h.untilIdle(flushCtx, cancel, safe)
	err := h.flush(flushCtx, flushCtx)
	cancel()
	end := deadline.Add(-reserve / 2)
	if early() && time.Until(end) > idleGrace {
		end = time.Now().Add(idleGrace)
	}
	clean, said := h.close(ctx, end)

	h.mu.Lock()
	s, down := h.session, h.err != nil
	h.state = Closed
	h.mu.Unlock()
	h.cancel()
	h.queue.close(reasonShutdown)
	h.stop()
	if s != nil {
		endCtx, cancel := context.WithDeadline(ctx, deadline.Add(-reserve/8))
		s.stop(endCtx, clean)
		cancel()
	}
	h.settle(ctx)
	h.closeSpool(ctx)
	h.out.Drain(ctx)
	switch {
	case down, h.durable() != nil && h.Stats().Dropped[AtShutdown] == 0:
		return nil
	case err == nil && said != "":
		return fmt.Errorf("backend %q: shutdown: %s", h.spec.Name, said)
	default:
		return err
	}
}

// close asks the backend to close its instance, and returns what it said. It is
// false when the backend did not say that it has.
func (h *Host) close(ctx context.Context, deadline time.Time) (clean bool, said string) {
	if h.Err() != nil || !h.isUp() { // or still starting, or again
		return false, ""
	}
	s := h.current()
	h.closing.Store(true) // an end of the connection is wanted from now on
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	r, err := s.rpc.Shutdown(ctx, &pb.ShutdownRequest{})
	if err != nil {
		if text := h.clean(plain(err)); !timeIsUp(text) {
			if ended(err) {
				text = endedText
			}
			h.noteOwn(text)
		}
		return false, ""
	}
	h.write(r.GetOutput())
	return true, h.noteOwn(r.GetError())
}

// grace is what Shutdown takes, if it must, beyond its deadline: for what is only
// a matter of moments, such as to kill a process that was about to start.
const grace = 100 * time.Millisecond

// settle waits for the host's goroutines, which have been told to end, for as
// long as ctx allows, and a moment.
func (h *Host) settle(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		h.wg.Wait()
		close(done)
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

// isTimeout reports whether err is the end of somebody's patience.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
