package telemetry

import (
	"context"
	"slices"
)

// batch is what is exported at once.
type batch struct {
	size   int // spans
	export func(context.Context) error
}

func sizeOf(list []batch) (n int) {
	for _, b := range list {
		n += b.size
	}
	return n
}

// add hands a span to the goroutine that exports, and says whether that should look:
// it is the first, or a batch is full. n spans wait now.
func (c *Callback) add(s *span, n int64) (look bool) {
	if c.requests != nil {
		return c.requests.add(s)
	}
	return c.queue.push(s) || n%batchSize == 0
}

// taken returns what waits, in batches: all of it, or only what is worth a batch.
func (c *Callback) taken(all bool) (list []batch) {
	if c.requests != nil {
		return c.requests.take(all)
	}
	if !all && c.queue.count.Load() < batchSize {
		return nil
	}
	for spans := range slices.Chunk(c.queue.take(), batchSize) {
		list = append(list, batch{len(spans), func(ctx context.Context) error { return c.exporter.ExportSpans(ctx, spans) }})
	}
	return list
}
