package telemetry

import "container/heap"

// ranking holds items, the one that is kept last at the top.
type ranking []*item

func (r *ranking) push(it *item) { heap.Push((*byRank)(r), it) }
func (r *ranking) pop() *item    { return heap.Pop((*byRank)(r)).(*item) } //nolint:forcetypeassert // it holds items

// byRank is a heap.Interface.
type byRank ranking

func (r *byRank) Len() int           { return len(*r) }
func (r *byRank) Less(i, j int) bool { return (*r)[j].before((*r)[i]) }
func (r *byRank) Swap(i, j int)      { (*r)[i], (*r)[j] = (*r)[j], (*r)[i] }

func (r *byRank) Push(x any) { *r = append(*r, x.(*item)) } //nolint:forcetypeassert // as pop

func (r *byRank) Pop() any {
	last := len(*r) - 1
	it := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	return it
}
