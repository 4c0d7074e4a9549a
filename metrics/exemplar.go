package metrics

import (
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/buckets"
)

// sampled is bit 0 of the W3C trace flags.
const sampled = 1

// exemplars are measurements of a histogram that lead to a trace: for each bucket
// the first of a sampled run since the last collection, so that most measurements
// cost one look at a word that rarely changes.
type exemplars struct {
	wanted atomic.Uint32 // the buckets, as bits, that may take another
	taken  [buckets.Count]atomic.Pointer[exemplar]
}

type exemplar struct {
	value time.Duration
	time  time.Time
	trace callbacks.TraceID
	span  callbacks.SpanID
}

// want asks for new exemplars. Those that are there stay until a new one comes.
func (e *exemplars) want() { e.wanted.Store(1<<buckets.Count - 1) }

// keep makes a measurement of cc's scope, so long after its start, the exemplar of its
// bucket.
func (e *exemplars) keep(bucket int, cc *callbacks.CallbackContext, d, after time.Duration) {
	if cc.Identity().Flags&sampled == 0 {
		return
	}
	bit := uint32(1) << bucket
	if e.wanted.And(^bit)&bit == 0 {
		return // another was quicker
	}
	start := cc.Start()
	if start.IsZero() {
		start = time.Now().Add(-after)
	}
	e.taken[bucket].Store(&exemplar{d, start.Add(after), cc.TraceID(), cc.SpanID()})
}

// list returns the exemplars, in the order of their buckets.
func (e *exemplars) list() (list []metricdata.Exemplar[float64]) {
	for i := range e.taken {
		if x := e.taken[i].Load(); x != nil {
			list = append(list, metricdata.Exemplar[float64]{
				Time: x.time, Value: x.value.Seconds(), TraceID: x.trace[:], SpanID: x.span[:],
			})
		}
	}
	return list
}
