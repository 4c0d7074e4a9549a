package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/spanloom/spanloom/internal/running"
)

const (
	// maxQueue is the most spans in memory: some 80 MiB.
	maxQueue = 64 << 10
	// batchSize is how many spans are exported at once.
	batchSize = 512
	// linger is how long a span waits for others.
	linger = time.Second
	// exportTimeout is the most time for one batch.
	exportTimeout = 10 * time.Second
	// grace is how long an exporter whose context has ended may take to say why
	// it had not finished: "connection refused" helps more than "deadline
	// exceeded".
	grace = 50 * time.Millisecond
)

// worker is the state of the goroutine that exports.
type worker struct {
	wake    chan struct{}
	flush   chan request
	stop    chan request
	done    chan struct{} // closed when the goroutine has ended
	result  chan error    // what the shutdown came to
	base    context.Context
	cancel  context.CancelFunc
	closed  atomic.Bool // no span is taken any more
	drained atomic.Bool // the goroutine will not look at the queue again

	// Of the goroutine alone:

	pending  []sdktrace.ReadOnlySpan // taken from the queue
	failed   error                   // since the last flush
	lost     int
	lastFull uint64
}

// request asks the goroutine to export everything.
type request struct {
	ctx    context.Context //nolint:containedctx // it is the context of the one who asks
	answer chan error
}

func newWorker() worker {
	base, cancel := context.WithCancel(context.Background())
	return worker{
		wake:   make(chan struct{}, 1),
		flush:  make(chan request),
		stop:   make(chan request, 1),
		done:   make(chan struct{}),
		result: make(chan error, 1),
		base:   base,
		cancel: cancel,
	}
}

// put hands a span to the goroutine, or counts it as dropped.
func (c *Callback) put(s *span) {
	if c.closed.Load() {
		c.counters.afterShutdown.Add(1)
		return
	}
	n := c.queue.reserve(maxQueue)
	if n == 0 {
		c.counters.queueFull.Add(1)
		return
	}
	if first := c.queue.push(s); first || n%batchSize == 0 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	if c.drained.Load() { // shut down meanwhile
		c.discard()
	}
}

// discard counts what is in the queue as dropped.
func (c *Callback) discard() {
	n := len(c.queue.take())
	c.counters.afterShutdown.Add(uint64(n))
	c.queue.release(n)
}

// work exports until the callback is shut down.
func (c *Callback) work() {
	defer close(c.done)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	armed := true
	ticker := time.NewTicker(running.Round)
	defer ticker.Stop()
	for {
		select {
		case <-c.wake:
			if c.queue.count.Load() >= batchSize {
				c.exportAll(c.base)
			} else if !armed {
				timer.Reset(linger)
				armed = true
			}
		case now := <-ticker.C:
			c.tellRunning(now)
		case <-timer.C:
			armed = false
			c.exportAll(c.base)
		case r := <-c.flush:
			c.exportAll(r.ctx)
			r.answer <- c.outcome(r.ctx)
			if len(c.pending) > 0 && !armed {
				timer.Reset(linger)
				armed = true
			}
		case r := <-c.stop:
			c.result <- c.finish(r.ctx)
			return
		}
	}
}

// exportAll exports what is in the queue. What is left when ctx ends stays for
// the next time.
func (c *Callback) exportAll(ctx context.Context) {
	c.pending = append(c.pending, c.queue.take()...)
	for len(c.pending) > 0 && ctx.Err() == nil {
		n := min(len(c.pending), batchSize)
		batch := c.pending[:n:n]
		c.pending = c.pending[n:]
		if err := c.export(ctx, batch); err != nil {
			c.counters.exportFailed.Add(uint64(n))
			c.lost += n
			c.failed = err
		} else {
			c.counters.exported.Add(uint64(n))
		}
		c.queue.release(n)
	}
	if len(c.pending) == 0 {
		c.pending = nil
	}
}

// export exports one batch.
func (c *Callback) export(ctx context.Context, batch []sdktrace.ReadOnlySpan) (err error) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	defer c.recover(&err)
	return c.exporter.ExportSpans(ctx, batch)
}

// recover makes an error of an exporter's panic. Defer it.
func (c *Callback) recover(err *error) {
	if p := recover(); p != nil {
		c.counters.panics.Add(1)
		*err = fmt.Errorf("exporter panicked: %v", p)
	}
}

// outcome says what was lost since the last time it was asked, and what a flush
// could not export in time.
func (c *Callback) outcome(ctx context.Context) error {
	var errs []error
	if c.lost > 0 {
		errs = append(errs, fmt.Errorf("%d spans lost: %w", c.lost, c.failed))
		c.lost, c.failed = 0, nil
	}
	if full := c.counters.queueFull.Load(); full != c.lastFull {
		errs = append(errs, fmt.Errorf("%d spans lost: the queue of %d was full", full-c.lastFull, maxQueue))
		c.lastFull = full
	}
	if n := len(c.pending); n > 0 {
		errs = append(errs, fmt.Errorf("%d spans not exported in time: %w", n, context.Cause(ctx)))
	}
	return errors.Join(errs...)
}

// finish exports what is left and shuts the exporter down.
func (c *Callback) finish(ctx context.Context) (err error) {
	c.exportAll(ctx)
	c.drained.Store(true)
	c.exportAll(ctx) // what came before drained was seen
	err = c.outcome(ctx)
	n := len(c.pending)
	c.counters.exportFailed.Add(uint64(n))
	c.queue.release(n)
	c.pending = nil
	return errors.Join(err, c.shutdownExporter(ctx))
}

func (c *Callback) shutdownExporter(ctx context.Context) (err error) {
	defer c.recover(&err)
	return c.exporter.Shutdown(ctx)
}
