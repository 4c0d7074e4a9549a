package logs

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// laterAfter is how long a record waits at most, if nobody asks before. To set a timer
	// wakes a thread, which costs as much as all the rest: it stays set while runs come
	// one after the other.
	laterAfter = 100 * time.Millisecond
	// maxLater is how many records wait at most: who makes one more writes the oldest
	// first.
	maxLater = 128
)

// Later lets [Lifecycle] write what it has to say of level INFO a moment later, on a
// goroutine of its own: a run does not wait until a record is formatted and forwarded.
// The time in the record is that at which it was made.
//
// Records keep their order: before a logger with the same Later writes another record,
// it writes those that wait. Only one that is made outside of any run, at the moment at
// which others are being written, does not wait for them. Nothing is dropped.
//
// The zero value is ready. It must not be copied. All methods may be called
// concurrently.
type Later struct {
	waiting atomic.Int32 // and being written

	mu     sync.Mutex
	list   []record
	head   int // the oldest in list
	timer  *time.Timer
	armed  bool // the timer is set
	fresh  bool // something came since it was
	closed bool

	writing sync.Mutex // held by who takes one out of list, until it is written
}

// Flush writes what waits.
func (l *Later) Flush() {
	n := l.waiting.Load()
	for n > 0 && l.write() {
		n--
	}
}

// Close writes what waits. From now on no record does.
func (l *Later) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	for l.write() {
	}
}

// put hands over a copy of a record.
func (l *Later) put(r *record) {
	for {
		switch l.queue(r) {
		case queued:
			return
		case full:
			l.write()
		case closed:
			l.handle(r)
			return
		}
	}
}

//go:noinline // the end of a run has little room on the stack, and seldom comes here
func (l *Later) handle(r *record) {
	its := *r
	_ = its.handle(l)
}

// room is what became of a record that was to wait.
type room uint8

const (
	queued room = iota
	full
	closed
)

func (l *Later) queue(r *record) room {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return closed
	case len(l.list)-l.head == maxLater:
		return full
	}
	if l.head > 0 && len(l.list) == cap(l.list) {
		n := copy(l.list, l.list[l.head:])
		clear(l.list[n:])
		l.list, l.head = l.list[:n], 0
	}
	n := len(l.list)
	l.list = slices.Grow(l.list, 1)[:n+1] // append would copy the record twice
	l.list[n] = *r
	l.waiting.Add(1)
	l.fresh = true
	switch {
	case l.armed:
	case l.timer == nil:
		l.timer = time.AfterFunc(laterAfter, l.due)
	default:
		l.timer.Reset(laterAfter)
	}
	l.armed = true
	return queued
}

// due writes what waits when the time has come, and goes on until there was nothing.
func (l *Later) due() {
	l.mu.Lock()
	l.armed = l.fresh && !l.closed
	if l.fresh = false; l.armed {
		l.timer.Reset(laterAfter)
	}
	l.mu.Unlock()
	for l.write() {
	}
}

// write writes the oldest record that waits, if there is one, after that which is being
// written.
func (l *Later) write() bool {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.writeOne()
}

// writeOne does so for who holds writing.
func (l *Later) writeOne() bool {
	l.mu.Lock()
	if l.head == len(l.list) {
		l.mu.Unlock()
		return false
	}
	r := l.list[l.head]
	l.list[l.head] = record{} // lets the context go
	if l.head++; l.head == len(l.list) {
		l.list, l.head = l.list[:0], 0
	}
	l.mu.Unlock()
	_ = r.handle(l)
	l.waiting.Add(-1)
	return true
}

// writing is in the contexts that handlers get from a Later.
type writing struct{ *Later }

// handle has the record written, if its level is enabled. Nobody above would recover a
// panic.
func (r *record) handle(l *Later) error {
	ctx, to := context.WithValue(r.cc, writing{l}, true), r.by.handler
	return protect(func() error {
		if !to.Enabled(ctx, r.Level) {
			return nil
		}
		return to.Handle(ctx, r.Record)
	})
}

// precede writes what waits before another record, with the context ctx, is written.
// What writes records may log itself: with the context that it was given, or with one of
// no run.
func (l *Later) precede(ctx context.Context) {
	if l.waiting.Load() == 0 || ctx != nil && ctx.Value(writing{l}) != nil {
		return
	}
	if ctx != nil && callbacks.FromContext(ctx) != nil {
		l.Flush()
		return
	}
	for l.writing.TryLock() {
		more := l.writeOne()
		l.writing.Unlock()
		if !more {
			return
		}
	}
}

// following has a handler write after what waits.
type following struct {
	slog.Handler

	later *Later
}

// Handle implements slog.Handler.
func (h *following) Handle(ctx context.Context, r slog.Record) error {
	h.later.precede(ctx)
	return h.Handler.Handle(ctx, r) //nolint:wrapcheck // it is the handler's
}

// WithAttrs implements slog.Handler.
func (h *following) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &following{h.Handler.WithAttrs(attrs), h.later}
}

// WithGroup implements slog.Handler.
func (h *following) WithGroup(name string) slog.Handler {
	return &following{h.Handler.WithGroup(name), h.later}
}
