package providers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// maxSpans is the most spans in memory: some tens of MiB.
	maxSpans = 32 << 10
	// batchSize is how many spans are exported at once.
	batchSize = 512
	// linger is how long a span waits for others.
	linger = 200 * time.Millisecond
)

// spanProcessor exports the sampled spans that end, in batches, in the order in
// which they ended.
type spanProcessor struct {
	counters

	exporter sdktrace.SpanExporter
	static   []attribute.KeyValue // on every span
	turn     chan struct{}        // held by whoever exports
	first    chan struct{}        // a span waits
	full     chan struct{}        // a batch waits
	stop     chan struct{}        // closed by Shutdown
	stopped  chan struct{}        // closed when the goroutine has ended
	ctx      context.Context
	cancel   context.CancelFunc

	mu     sync.Mutex
	spans  []sdktrace.ReadOnlySpan
	closed bool
}

var _ sdktrace.SpanProcessor = (*spanProcessor)(nil)

func newSpanProcessor(e sdktrace.SpanExporter, static []attribute.KeyValue) *spanProcessor {
	p := &spanProcessor{
		exporter: e,
		static:   static,
		turn:     make(chan struct{}, 1),
		first:    make(chan struct{}, 1),
		full:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	go p.work()
	return p
}

// OnStart does nothing.
func (*spanProcessor) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// marked is a span with what stands on every one. The span itself stays as it is:
// it may be of a provider that has other exporters too.
type marked struct {
	sdktrace.ReadOnlySpan

	static []attribute.KeyValue
}

// Attributes returns those of the span, which win, and the others.
func (m marked) Attributes() []attribute.KeyValue {
	return append(slices.Clone(m.static), m.ReadOnlySpan.Attributes()...)
}

// OnEnd takes a span, or counts it as lost.
func (p *spanProcessor) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		p.afterShutdown.Add(1)
		return
	case p.waiting.Load() >= maxSpans:
		p.bufferFull.Add(1)
		return
	}
	p.waiting.Add(1)
	if len(p.static) > 0 {
		s = marked{s, p.static}
	}
	p.spans = append(p.spans, s)
	if len(p.spans) == 1 {
		signal(p.first)
	}
	if len(p.spans)%batchSize == 0 {
		signal(p.full)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// work exports until the processor is shut down.
func (p *spanProcessor) work() {
	defer close(p.stopped)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		select {
		case <-p.first:
		case <-p.stop:
			return
		}
		timer.Reset(linger)
		select {
		case <-timer.C:
		case <-p.full:
		case <-p.stop:
			return
		}
		_ = p.drain(p.ctx) // it ends at Shutdown only, which drains too
	}
}

// drain exports all spans. What is left when ctx ends goes on waiting.
func (p *spanProcessor) drain(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("an earlier export is not finished: %w", context.Cause(ctx))
	}
	defer func() { <-p.turn }()
	for {
		batch := p.take()
		if len(batch) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			p.giveBack(batch)
			return fmt.Errorf("%d not exported: %w", p.waiting.Load(), context.Cause(ctx))
		}
		err := p.export(ctx, batch)
		p.waiting.Add(-uint64(len(batch)))
		p.done(len(batch), err)
	}
}

// take returns the oldest spans.
func (p *spanProcessor) take() []sdktrace.ReadOnlySpan {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(len(p.spans), batchSize)
	batch := p.spans[:n:n]
	p.spans = p.spans[n:]
	if len(p.spans) == 0 {
		p.spans = nil // its memory goes with the batch
	}
	return batch
}

// giveBack undoes take, when nobody else has taken.
func (p *spanProcessor) giveBack(batch []sdktrace.ReadOnlySpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spans = append(batch, p.spans...)
	signal(p.first)
}

// export exports one batch, within exportTimeout.
func (p *spanProcessor) export(ctx context.Context, batch []sdktrace.ReadOnlySpan) (err error) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	defer recovered(&err)
	return p.exporter.ExportSpans(ctx, batch)
}

// recovered makes an error of an exporter's panic. Defer it.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("exporter panicked: %v", r)
	}
}

// ForceFlush exports all spans, or returns when ctx ends.
func (p *spanProcessor) ForceFlush(ctx context.Context) error { return p.drain(ctx) }

// Shutdown exports all spans and ends the exporter, or returns when ctx ends.
// What is left then is counted as lost.
func (p *spanProcessor) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	close(p.stop)
	defer context.AfterFunc(ctx, p.cancel)() // an export under way ends with ctx
	err := p.drain(ctx)
	select {
	case <-p.stopped:
	case <-ctx.Done():
	}
	p.cancel()
	p.mu.Lock()
	n := len(p.spans)
	p.spans = nil
	p.mu.Unlock()
	p.waiting.Add(-uint64(n))
	p.failed.Add(uint64(n))
	if end := p.exporter.Shutdown(ctx); err == nil && end != nil {
		err = end
	}
	return err
}
