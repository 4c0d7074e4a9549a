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

	number uint32 // by which its blocks are found: below maxSeries

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
	overflow place // number 0
}

// group is where some keys may be found. It is a set of an associative cache: a
// key that comes to a full group takes the place of another, so that programs
// which make pipelines without end need no memory without end.
type group [groupSize]atomic.Pointer[entry]

const groupSize = 8

// entry is the place of a node in a pipeline, or of a pipeline. It has what finds a
// block: most events do not look at the place.
type entry struct {
	pipeline, node *callbacks.Node
	*place

	number uint32 // that of the place
}

func newPlaces(groups int) *places {
	return &places{known: make([]group, groups), named: map[labels]*place{}, overflow: place{labels: labels{overflow: true}}}
}

// nested stands for the node of a pipeline that is not the run's.
var nested = &callbacks.Node{}

// ofPipeline returns the place of the pipeline that cc is the context of.
func (p *places) ofPipeline(cc *callbacks.CallbackContext) *entry {
	if cc.Depth() > 0 {
		return p.of(cc.Node(), nested)
	}
	return p.of(cc.Node(), nil)
}

// ofNode returns the place of cc's step in the innermost pipeline around it.
func (p *places) ofNode(cc *callbacks.CallbackContext) *entry {
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

func (p *places) of(pipeline, node *callbacks.Node) *entry {
	g, first := p.find(address(unsafe.Pointer(pipeline)), address(unsafe.Pointer(node))) //nolint:gosec // see address
	for i := range uint64(groupSize) {
		e := g[(first+i)%groupSize].Load()
		if e == nil {
			break
		}
		if e.node == node && e.pipeline == pipeline {
			return e
		}
	}
	found := p.byName(pipeline, node)
	e := &entry{pipeline, node, found, found.number}
	g.put(first, e)
	return e
}

// find returns the group of a node in a pipeline, and where to begin in it. Nodes that
// were made one after the other, which are mostly neighbours in memory and in a run,
// have neighbouring groups, so that a run goes through them as a processor foresees.
// What lies apart by many times the size of a node does not come to the same group
// because of that: upper bits count too.
func (p *places) find(pipeline, node uint64) (g *group, first uint64) {
	near := node>>nodeSize + pipeline*spread>>32
	near += near >> 10 * 5
	return &p.known[near&uint64(len(p.known)-1)], node * spread >> 61
}

// nodeSize is about twice the size of a node, as a power of two: groups stay far from
// full when all nodes are neighbours.
const nodeSize = 8

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
	found = &place{labels: l, number: uint32(len(p.named)) + 1}
	p.named[l] = found
	return found
}

func (p *places) full() bool { return len(p.named) >= maxSeries-1 }
