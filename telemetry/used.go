package telemetry

import (
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// maxUsed is the most spans that are kept to be used again.
const maxUsed = 4096

// used keeps spans that are exported for those that come later, where the exporter
// keeps none of them.
type used struct {
	allowed bool

	mu    sync.Mutex
	first *span
	count int
}

// take returns a span that says nothing.
func (u *used) take() *span {
	if u.allowed {
		u.mu.Lock()
		s := u.first
		if s != nil {
			u.first = s.next
			u.count--
		}
		u.mu.Unlock()
		if s != nil {
			s.next, s.facts = nil, facts{}
			return s
		}
	}
	return &span{}
}

// give takes spans back, of which nobody knows any more.
func (u *used) give(list []sdktrace.ReadOnlySpan) {
	if !u.allowed {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, s := range list[:min(len(list), maxUsed-u.count)] {
		s := s.(*span) //nolint:forcetypeassert // the queue holds no others
		s.next, u.first = u.first, s
		u.count++
	}
}
