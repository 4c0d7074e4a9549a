package telemetry

import (
	"sync"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

// Keep has runs that are not sampled make spans all the same, when they end in a
// certain way. They wait in memory for that, at most 32,768 in all; when there are
// more, those of map items and of what is inside are left out first, then those of
// nodes, and the span of the run says how many. Its spanloom.sampling.kept says why
// it was kept.
//
// Only the run's own spans are kept: whatever else was told that the run is not
// sampled, such as a service that it called, has made none.
type Keep struct {
	// Failed keeps runs that fail.
	Failed bool
	// Slow keeps runs that take at least so long. Defaults to none.
	Slow time.Duration
}

func (k Keep) some() bool { return k.Failed || k.Slow > 0 }

// why returns why a run that ended so is kept; empty when it is not.
func (k Keep) why(e callbacks.End) string {
	switch e.Result {
	case callbacks.ResultFailure, callbacks.ResultError, callbacks.ResultTimeout:
		if k.Failed {
			return "failed"
		}
	default:
	}
	if k.Slow > 0 && e.Duration >= k.Slow {
		return "slow"
	}
	return ""
}

// maxKept is the most spans that wait for the end of runs.
const maxKept = 32 << 10

// keeper holds the spans of runs that are not sampled.
type keeper struct {
	Keep

	mu    sync.Mutex
	runs  map[keptKey]*keptRun
	count int
}

type keptKey struct {
	trace callbacks.TraceID
	run   string
}

// keptRun has the spans of a run, by what they are worth.
type keptRun struct {
	items, nodes, rest         []*span
	droppedItems, droppedNodes int
}

func (r *keptRun) size() int { return len(r.items) + len(r.nodes) + len(r.rest) }

// add holds a span of cc.
func (k *keeper) add(cc *callbacks.CallbackContext, s *span) (out int) {
	at := keptKey{cc.TraceID(), cc.RunID()}
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.runs[at]
	if r == nil {
		if k.runs == nil {
			k.runs = map[keptKey]*keptRun{}
		}
		if len(k.runs) >= maxNoted {
			for other := range k.runs { // whichever: it is not known whose end was lost
				out += k.forget(other).size()
				break
			}
		}
		r = &keptRun{}
		k.runs[at] = r
	}
	switch worth(cc) {
	case callbacks.KindMapItem:
		r.items = append(r.items, s)
	case callbacks.KindNode:
		r.nodes = append(r.nodes, s)
	default:
		r.rest = append(r.rest, s)
	}
	if k.count++; k.count > maxKept {
		k.count--
		out++
		r.drop()
	}
	return out
}

// drop drops the newest span of those that are worth least.
func (r *keptRun) drop() {
	for _, list := range []*[]*span{&r.items, &r.nodes, &r.rest} {
		if last := len(*list) - 1; last >= 0 {
			(*list)[last] = nil
			*list = (*list)[:last]
			if list == &r.items {
				r.droppedItems++
			} else {
				r.droppedNodes++
			}
			return
		}
	}
}

// worth says what the span of cc counts as: an item is what is inside of one too.
func worth(cc *callbacks.CallbackContext) callbacks.Kind {
	for at := cc; at != nil; at = at.Parent() {
		if at.Kind() == callbacks.KindMapItem {
			return callbacks.KindMapItem
		}
	}
	return cc.Kind()
}

func (k *keeper) forget(at keptKey) *keptRun {
	r := k.runs[at]
	if r == nil {
		return &keptRun{}
	}
	delete(k.runs, at)
	k.count -= r.size()
	return r
}

// end takes the spans of a run that has ended.
func (k *keeper) end(cc *callbacks.CallbackContext) *keptRun {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.forget(keptKey{cc.TraceID(), cc.RunID()})
}

func (k *keeper) waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count
}

// release exports a span, or holds it until the end of its run, which is not
// sampled.
func (c *Callback) release(cc *callbacks.CallbackContext, s *span) {
	if s.context.IsSampled() {
		c.put(s)
		return
	}
	c.counters.leftOut.Add(uint64(c.keep.add(cc, s)))
}

// verdict ends a run that is not sampled: with all its spans, or without.
func (c *Callback) verdict(cc *callbacks.CallbackContext, root *span, e callbacks.End) {
	r := c.keep.end(cc)
	why := c.keep.why(e)
	if why == "" {
		c.counters.leftOut.Add(uint64(r.size() + 1))
		return
	}
	root.add(keySamplingKept.String(why))
	if r.droppedItems > 0 {
		root.add(keyDroppedItems.Int(r.droppedItems))
	}
	if r.droppedNodes > 0 {
		root.add(keyDroppedNodes.Int(r.droppedNodes))
	}
	r.rest = append(r.rest, root)
	for _, list := range [][]*span{r.items, r.nodes, r.rest} {
		for _, s := range list {
			s.context = s.context.WithTraceFlags(s.context.TraceFlags().WithSampled(true))
			c.put(s)
		}
	}
}
