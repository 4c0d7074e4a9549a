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
	// maxSpans is the most spans in memory, and maxBytes how large they may be
	// together.
	maxSpans = 32 << 10
	maxBytes = 64 << 20
	// batchSize is how many spans are exported at once, and batchBytes from which size
	// on it is fewer.
	batchSize  = 512
	batchBytes = 4 << 20
	// linger is how long a span waits for others.
	linger = 200 * time.Millisecond
)

// spanProcessor exports the sampled spans that end, in batches, in the order in
// which they ended.
type spanProcessor struct {
	counters

	exporter sdktrace.SpanExporter
	static   []attribute.KeyValue // on every span
	started  func(context.Context) []attribute.KeyValue
	turn     chan struct{} // held by whoever exports
	first    chan struct{} // a span waits
	full     chan struct{} // a batch waits
	stop     chan struct{} // closed by Shutdown
	stopped  chan struct{} // closed when the goroutine has ended
	ctx      context.Context
	cancel   context.CancelFunc

	mu     sync.Mutex
	spans  []sized
	bytes  int // of spans, and of those that are being exported
	unsent int // of spans, since the last that filled a batch
	closed bool
}

// sized is a span that waits, and its size in bytes.
type sized struct {
	span  sdktrace.ReadOnlySpan
	bytes int
}

var _ sdktrace.SpanProcessor = (*spanProcessor)(nil)

func newSpanProcessor(e sdktrace.SpanExporter, c Config) *spanProcessor {
	p := &spanProcessor{
		exporter: e,
		static:   c.Attributes,
		started:  c.Started,
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

// OnStart gives a span what its context says, below what it has been given.
func (p *spanProcessor) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	if p.started == nil {
		return
	}
	list := p.started(ctx)
	if len(list) == 0 {
		return
	}
	given := s.Attributes()
	s.SetAttributes(slices.DeleteFunc(list, func(kv attribute.KeyValue) bool {
		return slices.ContainsFunc(given, func(g attribute.KeyValue) bool { return g.Key == kv.Key })
	})...)
}

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
	size := sizeOf(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		p.afterShutdown.Add(1)
		return
	case p.waiting.Load() >= maxSpans || p.bytes+size > maxBytes:
		p.bufferFull.Add(1)
		return
	}
	p.waiting.Add(1)
	p.bytes += size
	if len(p.static) > 0 {
		s = marked{s, p.static}
	}
	p.spans = append(p.spans, sized{s, size})
	if len(p.spans) == 1 {
		signal(p.first)
	}
	if p.unsent += size; len(p.spans)%batchSize == 0 || p.unsent >= batchBytes {
		p.unsent = 0
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
		if p.empty() {
			return nil
		}
		if ctx.Err() != nil {
			signal(p.first)
			return fmt.Errorf("%d not exported: %w", p.waiting.Load(), context.Cause(ctx))
		}
		batch, bytes := p.take()
		err := p.export(ctx, batch)
		p.release(bytes)
		p.waiting.Add(-uint64(len(batch)))
		p.done(len(batch), err)
	}
}

func (p *spanProcessor) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.spans) == 0
}

// take returns the oldest spans, whose bytes are to be released.
func (p *spanProcessor) take() (batch []sdktrace.ReadOnlySpan, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for ; n < min(len(p.spans), batchSize) && bytes < batchBytes; n++ {
		batch = append(batch, p.spans[n].span)
		bytes += p.spans[n].bytes
		p.spans[n] = sized{}
	}
	if p.spans = p.spans[n:]; len(p.spans) == 0 {
		p.spans = nil // its memory goes too
	}
	p.unsent = 0
	return batch, bytes
}

func (p *spanProcessor) release(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes -= bytes
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
	p.spans, p.bytes = nil, 0
	p.mu.Unlock()
	p.waiting.Add(-uint64(n))
	p.failed.Add(uint64(n))
	if end := p.exporter.Shutdown(ctx); err == nil && end != nil {
		err = end
	}
	return err
}
