package limit

import "sync/atomic"

// deque is a Chase-Lev work-stealing deque of fixed capacity: its owner pushes
// and pops at the bottom, others steal at the top. The capacity is at least
// the number of nodes, each of which is pushed at most once a run, so it never
// overflows; the positions keep counting from run to run.
//
// https://dl.acm.org/doi/10.1145/1073970.1073974
type deque struct {
	top    atomic.Int64
	_      [56]byte // keeps thieves off the owner's cache line
	bottom atomic.Int64
	ring   []int32 // its length is a power of two
	_      [32]byte
}

func newRing(nodes int) []int32 {
	size := 1
	for size <= nodes {
		size *= 2
	}
	return make([]int32, size)
}

func (d *deque) index(position int64) int64 { return position & int64(len(d.ring)-1) }

// push publishes nodes together. Only the owner may call it.
func (d *deque) push(nodes []int32) {
	bottom := d.bottom.Load()
	for i, node := range nodes {
		d.ring[d.index(bottom+int64(i))] = node
	}
	d.bottom.Store(bottom + int64(len(nodes)))
}

// pop takes the node pushed last, or none. Only the owner may call it.
func (d *deque) pop() int32 {
	bottom := d.bottom.Load() - 1
	if bottom < d.top.Load() {
		return none
	}
	d.bottom.Store(bottom)
	top := d.top.Load()
	if top > bottom {
		d.bottom.Store(bottom + 1)
		return none
	}
	node := d.ring[d.index(bottom)]
	if top == bottom { // the last one: a thief may want it too
		if !d.top.CompareAndSwap(top, top+1) {
			node = none
		}
		d.bottom.Store(bottom + 1)
	}
	return node
}

// steal takes the node pushed first, or none when there is none or another
// thief was quicker.
//
// A thief that was held up may read a cell that its owner is about to fill
// again. What it read is then discarded, because top has moved; the race
// detector cannot know that.
//
//go:norace
func (d *deque) steal() int32 {
	top := d.top.Load()
	if top >= d.bottom.Load() {
		return none
	}
	node := d.ring[d.index(top)]
	if !d.top.CompareAndSwap(top, top+1) {
		return none
	}
	return node
}
