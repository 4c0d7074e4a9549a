package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/otlpspan"
)

// maxUnused is the most spans that are kept to be used again: as many as are in the
// making at once.
const maxUnused = 64

// requests makes requests of spans as they end, for an exporter that takes requests.
// What goes from one processor to another is then bytes and no spans.
type requests struct {
	exporter otlpspan.Exporter
	resource *resource.Resource

	mu      sync.Mutex
	buffer  *[]byte // of the request that is being made; nil when there is none
	request otlpspan.Request
	full    []batch
	unused  *span
	count   int // of unused
	steps   map[*callbacks.Node]*step
}

// step returns what all knows of a node. It is faster than asking that, if it is not
// asked by many at once.
func (r *requests) step(n *callbacks.Node, all *steps) *step {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := r.steps[n]
	if st == nil {
		if r.steps == nil || len(r.steps) >= maxSteps {
			r.steps = map[*callbacks.Node]*step{}
		}
		st = all.of(n)
		r.steps[n] = st
	}
	return st
}

// span returns one that says nothing.
func (r *requests) span() *span {
	r.mu.Lock()
	s := r.unused
	if s != nil {
		r.unused = s.next
		r.count--
	}
	r.mu.Unlock()
	if s == nil {
		return &span{}
	}
	s.next, s.facts = nil, facts{}
	return s
}

// add encodes a span, which nobody may know of any more.
func (r *requests) add(s *span) (look bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.buffer == nil {
		r.buffer = r.exporter.Buffer()
		r.request = otlpspan.Begin(*r.buffer, r.resource, &scope)
		look = true
	}
	r.request.Add(s)
	if r.count < maxUnused {
		s.next, r.unused = r.unused, s
		r.count++
	}
	if r.request.Len() < r.exporter.RequestSize() {
		return look
	}
	r.end()
	return true
}

// end ends the request that is being made. The lock is held.
func (r *requests) end() {
	n, buffer := r.request.Len(), r.buffer
	*buffer = r.request.End()
	r.buffer, r.request = nil, otlpspan.Request{}
	r.full = append(r.full, batch{n, func(ctx context.Context) error { return r.exporter.ExportRequest(ctx, n, buffer) }})
}

// take returns the requests that are full, or all.
func (r *requests) take(all bool) []batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if all && r.buffer != nil {
		r.end()
	}
	list := r.full
	r.full = nil
	return list
}
