package engine

import (
	"context"
	"sync"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// streamBuffer is how many events a run may be ahead of its reader.
	streamBuffer = 1024
	// streamPatience is how long a chunk waits for a reader.
	streamPatience = time.Second
)

// streamed is an event on its way to the reader.
type streamed struct {
	hook    callbacks.Hook
	context *callbacks.CallbackContext
	event   any
	chunk   any
	lost    int
}

// streaming is what is between a run and the reader of its events: a bounded
// queue that loses hook events rather than to hold up the run.
type streaming struct {
	left  chan struct{} // closed when the reader is gone
	ended chan struct{} // closed when the run is
	ready chan struct{} // the queue may have become non-empty

	mu      sync.Mutex
	queue   []streamed // a ring, which grows up to streamBuffer
	first   int
	count   int
	waiting []*waiter // for room, in order; only when the queue is full
	lost    int       // since the last event in the queue
	stalled bool      // a chunk has waited in vain, and nothing was read since
	gone    bool      // left is closed
	failure error     // of the root pipeline
}

// waiter is a chunk that waits for room.
type waiter struct {
	streamed
	taken chan struct{}
}

func newStreaming() *streaming {
	return &streaming{left: make(chan struct{}), ended: make(chan struct{}), ready: make(chan struct{}, 1)}
}

// tell gives an event to the reader if there is room.
func (s *streaming) tell(ev streamed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == streamBuffer {
		s.lost++
		return
	}
	s.push(ev)
}

// push puts an event into the queue, which has room.
func (s *streaming) push(ev streamed) {
	if s.count == len(s.queue) {
		bigger := make([]streamed, min(max(2*s.count, 32), streamBuffer))
		copy(bigger[copy(bigger, s.queue[s.first:]):], s.queue[:s.first])
		s.queue, s.first = bigger, 0
	}
	ev.lost, s.lost = s.lost, 0
	s.queue[(s.first+s.count)%len(s.queue)] = ev
	s.count++
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// give gives a chunk to the reader, and waits for room if need be, until ctx
// ends. Nothing overtakes it: as long as it waits there is no room for others.
func (s *streaming) give(ctx context.Context, ev streamed) {
	s.mu.Lock()
	switch {
	case s.count < streamBuffer:
		s.push(ev)
		s.mu.Unlock()
		return
	case s.stalled || s.gone || ctx.Err() != nil:
		s.lost++
		s.mu.Unlock()
		return
	}
	w := &waiter{ev, make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()

	patience := time.NewTimer(streamPatience)
	defer patience.Stop()
	late := false
	select {
	case <-w.taken:
		return
	case <-s.left:
	case <-ctx.Done():
	case <-patience.C:
		late = true
	}
	s.giveUp(w, late)
}

// giveUp leaves out a chunk, unless it has found room just now.
func (s *streaming) giveUp(w *waiter, late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.waiting {
		if one == w {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			s.lost++
			s.stalled = s.stalled || late
			return
		}
	}
}

// next returns the next event, or false when the run has ended and there is none.
func (s *streaming) next() (streamed, bool) {
	for {
		if ev, ok := s.pop(); ok {
			return ev, true
		}
		select {
		case <-s.ready:
		case <-s.ended:
			return s.pop() // what came before the end
		}
	}
}

// pop takes the first event out of the queue, and gives its room to who waits.
func (s *streaming) pop() (ev streamed, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 {
		return ev, false
	}
	ev, s.queue[s.first] = s.queue[s.first], streamed{}
	s.first = (s.first + 1) % len(s.queue)
	s.count--
	s.stalled = false
	if len(s.waiting) > 0 {
		w := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.push(w.streamed)
		close(w.taken)
	}
	return ev, true
}

// leave says that nobody reads any more.
func (s *streaming) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	close(s.left)
}

// end says that the run is over.
func (s *streaming) end() { close(s.ended) }
