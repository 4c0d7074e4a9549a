package metrics

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/spanloom/spanloom/callbacks"
)

// place is a pipeline, or a node in one, by their names, with the series that
// nearly all of its events go to. The others are looked up by their labels.
type place struct {
	labels

	active atomic.Pointer[counter] // of the node or pipeline
	items  atomic.Pointer[counter] // active ones

	succeeded, itemSucceeded [cacheResults]atomic.Pointer[histogram]

	lookups [cacheResults]atomic.Pointer[tiered]
	saved   atomic.Pointer[counter]
	queue   atomic.Pointer[histogram] // of the pipeline
}

// tiered is a series of one tier of a cache: mostly there is only one.
type tiered struct {
	tier string
	*counter
}

// places finds the place of a context, mostly by the address of what describes
// the step: no text is hashed or compared.
type places struct {
	known []group

	mu       sync.RWMutex
	named    map[labels]*place
	overflow place
}

// group is where some keys may be found. It is a set of an associative cache: a
// key that comes to a full group takes the place of another, so that programs
// which make pipelines without end need no memory without end.
type group [groupSize]atomic.Pointer[entry]

const groupSize = 8

// entry is the place of a node in a pipeline, or of a pipeline.
type entry struct {
	pipeline, node *callbacks.Node
	*place
}

func newPlaces(groups int) *places {
	return &places{known: make([]group, groups), named: map[labels]*place{}, overflow: place{labels: labels{overflow: true}}}
}

// nested stands for the node of a pipeline that is not the run's.
var nested = &callbacks.Node{}

// ofPipeline returns the place of the pipeline that cc is the context of.
func (p *places) ofPipeline(cc *callbacks.CallbackContext) *place {
	if cc.Depth() > 0 {
		return p.of(cc.Node(), nested)
	}
	return p.of(cc.Node(), nil)
}

// ofNode returns the place of cc's step in the innermost pipeline around it.
func (p *places) ofNode(cc *callbacks.CallbackContext) *place {
	around := cc.Parent()
	for around != nil && around.Kind() != callbacks.KindPipeline {
		around = around.Parent()
	}
	if around == nil { // a context that was restored without what is around it
		return p.of(unknown, cc.Node())
	}
	return p.of(around.Node(), cc.Node())
}

// unknown stands for a pipeline of which nothing is known.
var unknown = &callbacks.Node{}

func (p *places) of(pipeline, node *callbacks.Node) *place {
	h := (address(unsafe.Pointer(pipeline))*spread ^ address(unsafe.Pointer(node))) * spread //nolint:gosec // see address
	g := &p.known[h>>32&uint64(len(p.known)-1)]
	first := h >> 61
	for i := range uint64(groupSize) {
		e := g[(first+i)%groupSize].Load()
		if e == nil {
			break
		}
		if e.node == node && e.pipeline == pipeline {
			return e.place
		}
	}
	found := p.byName(pipeline, node)
	g.put(first, &entry{pipeline, node, found})
	return found
}

// put adds e, which two goroutines may do at once: that costs a place.
func (g *group) put(first uint64, e *entry) {
	for i := range uint64(groupSize) {
		if g[(first+i)%groupSize].CompareAndSwap(nil, e) {
			return
		}
	}
	g[rand.Uint64()%groupSize].Store(e) //nolint:gosec // any will do
}

// byName returns the place that has the names, or the one for overflow when
// there are as many as may be.
func (p *places) byName(pipeline, node *callbacks.Node) *place {
	l := labels{pipeline: value(pipeline.Name)}
	switch node {
	case nil:
	case nested:
		l.nested = true
	default:
		l.node = value(node.Name)
	}
	p.mu.RLock()
	found, full := p.named[l], p.full()
	p.mu.RUnlock()
	switch {
	case found != nil:
		return found
	case full:
		return &p.overflow
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch found := p.named[l]; {
	case found != nil:
		return found
	case p.full():
		return &p.overflow
	}
	found = &place{labels: l}
	p.named[l] = found
	return found
}

func (p *places) full() bool { return len(p.named) >= maxSeries-1 }
