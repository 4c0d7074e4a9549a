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
// the first of a sampled run since the last collection. Each shard has flags beside
// what it counts, which say that there is one, so that most measurements look at
// nothing else.
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

// isSampled reports whether cc's run is sampled.
func isSampled(cc *callbacks.CallbackContext) bool { return cc.Identity().Flags&sampled != 0 }

// want asks for new exemplars, before the flags of shards are taken back.
func (e *exemplars) want() { e.wanted.Store(1<<buckets.Count - 1) }

// keep makes a measurement of cc's scope, so long after its start, the exemplar of its
// bucket, if the run is sampled and there is none yet, and raises the shard's flag.
func (e *exemplars) keep(flags *atomic.Uint32, bucket int, cc *callbacks.CallbackContext, d, after time.Duration) {
	if !isSampled(cc) {
		return
	}
	bit := uint32(1) << bucket
	flags.Or(bit) // first: should a collection come between, it takes the flag back
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
