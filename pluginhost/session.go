package pluginhost

import (
	"context"
	"fmt"
	"sync"
	"time"

	pb "github.com/spanloom/spanloom/backend/backendpb"
)

// session is a backend that runs.
type session struct {
	rpc pb.BackendClient
	// kill ends it at once, and does not wait. It is nil when there is nothing
	// to kill, as for a backend in this process.
	killNow func()
	// release ends it if it still runs and frees everything that it took. It
	// may block for as long as the backend likes.
	release func()
	// exited is closed when the process is gone; nil when there is none.
	exited <-chan struct{}
	status func() string
	tail   *tail

	once     sync.Once
	released chan struct{}
}

// kill ends the backend without asking it.
func (s *session) kill() {
	if s.killNow != nil {
		s.killNow()
	}
}

// exitedSoon reports how the process ended, if it does in time.
func (s *session) exitedSoon(d time.Duration) (string, bool) {
	if s.exited == nil {
		return "", false
	}
	select {
	case <-s.exited:
		return s.status(), true
	case <-time.After(d):
		return "", false
	}
}

// exitError says that the process is gone.
func (s *session) exitError(status string) error {
	return &exitedError{fmt.Sprintf("process exited (%s)%s", status, wrote(s.tail.Lines()))}
}

// lines returns the last that the process wrote.
func (s *session) lines() []string {
	if s.tail == nil {
		return nil
	}
	return s.tail.Lines()
}

// exitedError is that of a process that is gone.
type exitedError struct{ text string }

func (e *exitedError) Error() string { return e.text }

// stop ends the backend. If it is clean it may end by itself, until ctx ends;
// then it is killed. stop returns at the end of ctx at the latest, or as soon
// as everything is freed.
func (s *session) stop(ctx context.Context, clean bool) {
	if !clean {
		s.kill()
	}
	s.once.Do(func() {
		s.released = make(chan struct{})
		go func() {
			defer close(s.released)
			s.release()
		}()
	})
	select {
	case <-s.released:
	case <-ctx.Done():
		s.kill()
		// Freeing takes a moment, and is worth one: it is all our own now.
		select {
		case <-s.released:
		case <-time.After(maxReserve / 10):
		}
	}
}
