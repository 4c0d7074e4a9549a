package otlptrace

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// bounded is an instance that holds fewer spans than the callback would. Like any
// instance it is called by one goroutine at a time.
type bounded struct {
	instance

	limit   uint64
	dropped int // since the last flush
	refused int // ever
}

// bound returns in with a queue of at most limit spans.
func bound(in instance, limit int) *bounded {
	return &bounded{instance: in, limit: uint64(max(limit, 0))}
}

// full says, and counts, that the span of a sampled run has no place.
func (b *bounded) full(cc *callbacks.CallbackContext) bool {
	if b.Stats().Queued < b.limit || cc.Identity().Flags&byte(trace.FlagsSampled) == 0 {
		return false
	}
	b.dropped++
	b.refused++
	return true
}

// fate is what became of the spans.
func (b *bounded) fate() fate {
	s, partly := b.Stats(), int(b.exporter.partly.Load())
	return fate{exported: int(s.Exported) + partly, lost: b.refused + int(s.Dropped()) - partly}
}

// Flush implements backend.Instance.
func (b *bounded) Flush(ctx context.Context) error {
	err := b.instance.Flush(ctx)
	if n := b.dropped; n > 0 {
		b.dropped = 0
		err = several(err, fmt.Errorf("the queue of %d had no room for %d spans", b.limit, n))
	}
	return err
}

// OnPipelineEnd implements callbacks.PipelineCallback, as those below.
func (b *bounded) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	if !b.full(cc) {
		b.instance.OnPipelineEnd(cc, ev)
	}
}

// OnNodeEnd is a span.
func (b *bounded) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	if !b.full(cc) {
		b.instance.OnNodeEnd(cc, ev)
	}
}

// OnNodeCached is a span.
func (b *bounded) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	if !b.full(cc) {
		b.instance.OnNodeCached(cc, ev)
	}
}

// OnMapEnd is a span.
func (b *bounded) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	if !b.full(cc) {
		b.instance.OnMapEnd(cc, ev)
	}
}

// OnMapItemEnd is a span.
func (b *bounded) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	if !b.full(cc) {
		b.instance.OnMapItemEnd(cc, ev)
	}
}

// OnMapItemCached is a span.
func (b *bounded) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	if !b.full(cc) {
		b.instance.OnMapItemCached(cc, ev)
	}
}
