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
	known  atomic.Pointer[directory]
	groups int // of the directory

	mu       sync.RWMutex
	named    map[labels]*place
	overflow place // number 0
}

// directory has the places of nodes in pipelines by their addresses. An index of few bytes
// for each node, which is mostly in a cache, has all that finds a block, so that a
// processor fetches the block while it still looks whether the entry is the right one.
type directory struct {
	index   []group
	entries []entry
	used    int // of the entries
}

// group is where some keys may be found. It is a set of an associative cache: a
// key that comes to a full group takes the place of another.
//
// Each word is the number of a place, and above that the number of an entry, from 1.
type group [groupSize]atomic.Uint32

const (
	groupSize  = 8
	numberBits = 11
	numberMask = 1<<numberBits - 1
	_          = uint(numberMask - maxSeries) // there are as many numbers
)

// entry is the place of a node in a pipeline, or of a pipeline. It never changes.
type entry struct {
	pipeline, node *callbacks.Node
	*place
}

// found is an entry with the number of its place: most events do not look at the place.
type found struct {
	*entry

	number uint32
}

func newPlaces(groups int) *places {
	p := &places{groups: groups, named: map[labels]*place{}, overflow: place{labels: labels{overflow: true}}}
	p.known.Store(newDirectory(groups))
	return p
}

func newDirectory(groups int) *directory {
	return &directory{index: make([]group, groups), entries: make([]entry, groups*groupSize)}
}

// nested stands for the node of a pipeline that is not the run's.
var nested = &callbacks.Node{}

// ofPipeline returns the place of the pipeline that cc is the context of.
func (p *places) ofPipeline(cc *callbacks.CallbackContext) found {
	if cc.Depth() > 0 {
		return p.of(cc.Node(), nested)
	}
	return p.of(cc.Node(), nil)
}

// ofNode returns the place of cc's step in the innermost pipeline around it.
func (p *places) ofNode(cc *callbacks.CallbackContext) found {
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

func (p *places) of(pipeline, node *callbacks.Node) found {
	t := p.known.Load()
	g, first := t.find(address(unsafe.Pointer(pipeline)), address(unsafe.Pointer(node))) //nolint:gosec // see address
	for i := range uint64(groupSize) {
		word := g[(first+i)%groupSize].Load()
		if word == 0 {
			break
		}
		if e := &t.entries[word>>numberBits-1]; e.node == node && e.pipeline == pipeline {
			return found{e, word & numberMask}
		}
	}
	return p.learn(pipeline, node)
}

// learn makes an entry. When there is no room for it all begins anew, so that programs
// which make pipelines without end need no memory without end.
func (p *places) learn(pipeline, node *callbacks.Node) found {
	place := p.byName(pipeline, node)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.known.Load()
	if t.used == len(t.entries) {
		t = newDirectory(p.groups)
		p.known.Store(t)
	}
	e := &t.entries[t.used]
	*e = entry{pipeline, node, place}
	t.used++
	g, first := t.find(address(unsafe.Pointer(pipeline)), address(unsafe.Pointer(node))) //nolint:gosec // see address
	g.put(first, uint32(t.used)<<numberBits|place.number)
	return found{e, place.number}
}

// find returns the group of a node in a pipeline, and where to begin in it. Nodes that
// were made one after the other, which are mostly neighbours in memory and in a run,
// have neighbouring groups, so that a run goes through them as a processor foresees.
// What lies apart by many times the size of a node does not come to the same group
// because of that: upper bits count too.
func (t *directory) find(pipeline, node uint64) (g *group, first uint64) {
	near := node>>nodeSize + pipeline*spread>>32
	near += near >> 10 * 5
	return &t.index[near&uint64(len(t.index)-1)], node * spread >> 61
}

// nodeSize is about four times the size of a node, as a power of two: groups stay far from
// full when all nodes are neighbours.
const nodeSize = 9

// put adds a word: where there is no room, any other will do without.
func (g *group) put(first uint64, word uint32) {
	for i := range uint64(groupSize) {
		if w := &g[(first+i)%groupSize]; w.Load() == 0 {
			w.Store(word)
			return
		}
	}
	g[rand.Uint64()%groupSize].Store(word) //nolint:gosec // any will do
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
