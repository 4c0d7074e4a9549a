// Package output writes to where somebody may have stopped reading.
package output

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// Limit bounds the bytes that wait to be written.
	Limit = 8 << 20
	// Grace is what Drain takes beyond its context: a reader that is there needs
	// no more.
	Grace = 100 * time.Millisecond
)

// Writer writes to another writer without making its callers wait. What is written
// while Limit bytes wait is dropped, which a line in its place says.
type Writer struct {
	to io.Writer

	mu      sync.Mutex
	buf     []byte // waits
	dropped int    // bytes after buf
	writing int    // bytes that are being written
	running bool
	stuck   bool // somebody has waited in vain, and not all is written since
	settled bool // from now on

	// Closed when what waits, and what is being written, is written; nil without any.
	next, now chan struct{}
}

// New returns a writer to w, or w if it is one already.
func New(w io.Writer) *Writer {
	if o, ok := w.(*Writer); ok {
		return o
	}
	return &Writer{to: w}
}

// Write implements io.Writer. It never fails and, before SettleAll, never waits.
func (o *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if o.queue(p) {
		o.Settle()
	}
	return len(p), nil
}

// queue reports whether to settle what it queues.
func (o *Writer) queue(p []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	// After a piece was dropped, the line about it comes first.
	if o.dropped > 0 || len(o.buf)+o.writing+len(p) > Limit {
		o.dropped += len(p)
	} else {
		o.buf = append(o.buf, p...)
	}
	if o.next == nil {
		o.next = make(chan struct{})
	}
	if !o.running {
		o.running = true
		go o.run()
	}
	return o.settled
}

// run writes until nothing waits.
func (o *Writer) run() {
	for p, ok := o.take(); ok; p, ok = o.take() {
		_, _ = o.to.Write(p) // telemetry has nowhere to complain
	}
}

// take ends one write and returns what the next one is of.
func (o *Writer) take() (p []byte, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.now != nil {
		close(o.now)
	}
	o.now, o.next = o.next, nil
	p, o.buf = o.buf, nil
	if o.dropped > 0 {
		p = fmt.Appendf(p, "\n... %d bytes of output dropped: nobody read them\n", o.dropped)
		o.dropped = 0
	}
	o.writing = len(p)
	o.running = len(p) > 0
	o.stuck = o.stuck && o.running
	return p, o.running
}

// Drain returns when everything that was written before is, or a moment after ctx
// has ended.
func (o *Writer) Drain(ctx context.Context) {
	last, _ := o.last()
	if last == nil {
		return
	}
	select {
	case <-last:
	case <-ctx.Done():
		o.wait(last)
	}
}

// Settle returns when everything that was written before is, or after a moment.
// When that has passed in vain, nobody waits again before all is written: a reader
// that is not there costs one moment, however often it is called.
func (o *Writer) Settle() {
	if last, stuck := o.last(); last != nil && !stuck {
		o.wait(last)
	}
}

// SettleAll makes each Write settle from now on: the program is about to end.
func (o *Writer) SettleAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled = true
}

// last returns what is closed when all is written, or nil when all is.
func (o *Writer) last() (written <-chan struct{}, stuck bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.next != nil {
		return o.next, o.stuck
	}
	return o.now, o.stuck
}

func (o *Writer) wait(written <-chan struct{}) {
	timer := time.NewTimer(Grace)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
		o.mu.Lock()
		defer o.mu.Unlock()
		o.stuck = o.running
	}
}
