package otlpconfig

import (
	"encoding/json"
	"time"
)

// Batch says how spans are put together.
type Batch struct {
	// Size is the most spans in a request.
	Size int
	// Linger is how far apart requests are when there is always something to
	// send; after a quiet time the first few go at once.
	Linger time.Duration
	// Queue is the most spans that wait. More are dropped and counted.
	Queue int
}

// The largest that a batch may be.
const (
	maxSize   = 512
	maxQueue  = 64 << 10
	maxLinger = time.Second
)

// presets are the batches that have a name.
var presets = map[string]Batch{
	"low_latency": {Size: 128, Linger: 10 * time.Millisecond, Queue: 16 << 10},
	"default":     {Size: maxSize, Linger: 200 * time.Millisecond, Queue: maxQueue},
	"throughput":  {Size: maxSize, Linger: maxLinger, Queue: maxQueue},
}

func (r *resolver) batch(said json.RawMessage) Batch {
	b := presets["default"]
	var name string
	if len(said) == 0 {
		return b
	}
	if json.Unmarshal(said, &name) == nil {
		b, ok := presets[name]
		if !ok {
			r.faultf("batch", "", "write low_latency, default or throughput, or a mapping of size, linger and queue")
		}
		return b
	}
	var keys struct {
		Size   *int    `json:"size"`
		Linger *string `json:"linger"`
		Queue  *int    `json:"queue"`
	}
	if err := json.Unmarshal(said, &keys); err != nil {
		r.faultf("batch", "", "write low_latency, default or throughput, or a mapping of size, linger and queue")
		return b
	}
	before := len(r.errs)
	if keys.Size != nil {
		b.Size = *keys.Size
		if b.Size < 1 || b.Size > maxSize {
			r.faultf("batch.size", "", "%d is not between 1 and %d", b.Size, maxSize)
		}
	}
	if keys.Queue != nil {
		b.Queue = *keys.Queue
		if b.Queue < 1 || b.Queue > maxQueue {
			r.faultf("batch.queue", "", "%d is not between 1 and %d", b.Queue, maxQueue)
		}
	}
	if keys.Linger != nil {
		d, err := time.ParseDuration(*keys.Linger)
		if err != nil || d < 0 || d > maxLinger {
			r.faultf("batch.linger", "", "write a duration from 0s to %s, such as 100ms", maxLinger)
		}
		b.Linger = d
	}
	switch {
	case keys.Size == nil && len(r.errs) == before:
		b.Size = min(b.Size, b.Queue)
	case b.Size > b.Queue:
		r.faultf("batch.size", "", "size %d is more than queue %d: what waits would never fill a request; lower size or raise queue", b.Size, b.Queue)
	}
	return b
}
