package telemetry

import (
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queue holds finished spans until they are exported: a list to which any
// number of goroutines add without a lock, and which one takes as a whole. The
// spans are the links, so that adding allocates nothing.
type queue struct {
	head  atomic.Pointer[span] // the newest
	count atomic.Int64         // in the list, or taken and not released
}

// reserve takes a place and returns how many are taken now; 0 when none is left.
func (q *queue) reserve(limit int64) int64 {
	n := q.count.Add(1)
	if n > limit {
		q.count.Add(-1)
		return 0
	}
	return n
}

// release gives back n places.
func (q *queue) release(n int) { q.count.Add(int64(-n)) }

// push adds s, for which a place was reserved, and says whether the list was
// empty.
func (q *queue) push(s *span) bool {
	for {
		head := q.head.Load()
		s.next = head
		if q.head.CompareAndSwap(head, s) {
			return head == nil
		}
	}
}

// take returns all spans, oldest first. Their places stay taken.
func (q *queue) take() []sdktrace.ReadOnlySpan {
	head := q.head.Swap(nil)
	n := 0
	for s := head; s != nil; s = s.next {
		n++
	}
	list := make([]sdktrace.ReadOnlySpan, n)
	for s := head; s != nil; {
		n--
		list[n] = s
		next := s.next
		s.next = nil
		s = next
	}
	return list
}
