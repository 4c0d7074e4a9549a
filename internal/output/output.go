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

// Writer writes to another writer without ever making its callers wait. What is
// written while Limit bytes wait is dropped, which a line in its place says.
type Writer struct {
	to io.Writer

	mu      sync.Mutex
	buf     []byte // waits
	dropped int    // bytes after buf
	writing int    // bytes that are being written
	idle    chan struct{}
}

// New returns a writer to w, or w if it is one already.
func New(w io.Writer) *Writer {
	if o, ok := w.(*Writer); ok {
		return o
	}
	return &Writer{to: w}
}

// Write implements io.Writer. It never fails and never waits.
func (o *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	// After a piece was dropped, the line about it comes first.
	if o.dropped > 0 || len(o.buf)+o.writing+len(p) > Limit {
		o.dropped += len(p)
		return len(p), nil
	}
	o.buf = append(o.buf, p...)
	if o.idle == nil {
		o.idle = make(chan struct{})
		go o.run()
	}
	return len(p), nil
}

// run writes until nothing waits.
func (o *Writer) run() {
	for {
		o.mu.Lock()
		p := o.buf
		o.buf = nil
		if o.dropped > 0 {
			p = fmt.Appendf(p, "\n... %d bytes of output dropped: nobody read them\n", o.dropped)
			o.dropped = 0
		}
		o.writing = len(p)
		if len(p) == 0 {
			close(o.idle)
			o.idle = nil
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		_, _ = o.to.Write(p) // telemetry has nowhere to complain
	}
}

// Drain returns when everything is written, or a moment after ctx has ended.
func (o *Writer) Drain(ctx context.Context) {
	o.mu.Lock()
	idle := o.idle
	o.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
		o.Settle()
	}
}

// Settle returns when everything is written, or after a moment.
func (o *Writer) Settle() {
	o.mu.Lock()
	idle := o.idle
	o.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-time.After(Grace):
	}
}
