package limit

import (
	"context"
	"encoding/binary"
	"slices"
)

// Graph collects nodes. A node can only read values that exist already, so a
// cycle cannot be written and the order of adding is a topological one.
type Graph struct {
	nodes []node
	slots []func() any // makes the slot of each value
}

type node struct {
	run   func(context.Context, *Run) error
	preds []int32
}

// Value names what an input or a node holds during a run.
type Value[T any] struct {
	slot int32
	node int32 // that computes it; none for an input
}

const none = -1

type slot[T any] struct{ value T }

// Input adds a value that is set before a run.
func Input[T any](g *Graph) Value[T] { return newValue[T](g, none) }

func newValue[T any](g *Graph, node int32) Value[T] {
	g.slots = append(g.slots, func() any { return new(slot[T]) })
	return Value[T]{slot: int32(len(g.slots) - 1), node: node}
}

// Add adds a node that reads one value.
func Add[I, O any](g *Graph, in Value[I], fn func(context.Context, I) (O, error)) Value[O] {
	out := newValue[O](g, int32(len(g.nodes)))
	var preds []int32
	if in.node != none {
		preds = []int32{in.node}
	}
	g.nodes = append(g.nodes, node{preds: preds, run: func(ctx context.Context, r *Run) error {
		v, err := fn(ctx, Get(r, in))
		Set(r, out, v)
		return err
	}})
	return out
}

// Join adds a node that reads any number of values of one type.
func Join[I, O any](g *Graph, in []Value[I], fn func(context.Context, Inputs[I]) (O, error)) Value[O] {
	out := newValue[O](g, int32(len(g.nodes)))
	preds := make([]int32, 0, len(in))
	for _, v := range in {
		if v.node != none {
			preds = append(preds, v.node)
		}
	}
	slices.Sort(preds)
	g.nodes = append(g.nodes, node{preds: slices.Compact(preds), run: func(ctx context.Context, r *Run) error {
		v, err := fn(ctx, Inputs[I]{run: r, values: in})
		Set(r, out, v)
		return err
	}})
	return out
}

// Inputs are the values that a joining node reads.
type Inputs[T any] struct {
	run    *Run
	values []Value[T]
}

// Len returns how many there are.
func (in Inputs[T]) Len() int { return len(in.values) }

// At returns the value at an index.
func (in Inputs[T]) At(i int) T { return Get(in.run, in.values[i]) }

// Plan is a compiled graph. It may run any number of times at once.
type Plan struct {
	nodes []func(context.Context, *Run) error
	slots []func() any
	roots []int32

	feeds   lists   // node -> the groups it is a predecessor of
	members lists   // group -> its nodes
	need    []int32 // group -> how many predecessors it has

	idle chan *Run // finished runs, to be used again
}

// maxIdle bounds how many finished runs a plan keeps.
const maxIdle = 64

// lists are int32 lists one after the other in a flat array.
type lists struct{ start, flat []int32 }

func (l *lists) at(i int32) []int32 { return l.flat[l.start[i]:l.start[i+1]] }

func flatten(nested [][]int32) lists {
	l := lists{start: make([]int32, 1, len(nested)+1)}
	for _, list := range nested {
		l.flat = append(l.flat, list...)
		l.start = append(l.start, int32(len(l.flat)))
	}
	return l
}

// Compile turns the graph into a plan. A graph without nodes has none to run.
func (g *Graph) Compile() *Plan {
	p := &Plan{slots: g.slots, idle: make(chan *Run, maxIdle)}
	var (
		groups  [][]int32 // group -> members
		feeds   = make([][]int32, len(g.nodes))
		only    = make([]int32, len(g.nodes)) // node -> 1 + the group of those with no other predecessor
		several = map[string]int32{}          // predecessors -> group
		key     []byte
	)
	open := func(preds []int32) int32 {
		group := int32(len(groups))
		groups = append(groups, nil)
		p.need = append(p.need, int32(len(preds)))
		for _, pred := range preds {
			feeds[pred] = append(feeds[pred], group)
		}
		return group
	}
	for i, n := range g.nodes {
		p.nodes = append(p.nodes, n.run)
		var group int32
		switch len(n.preds) {
		case 0:
			p.roots = append(p.roots, int32(i))
			continue
		case 1:
			if only[n.preds[0]] == 0 {
				only[n.preds[0]] = open(n.preds) + 1
			}
			group = only[n.preds[0]] - 1
		default:
			key = key[:0]
			for _, pred := range n.preds {
				key = binary.LittleEndian.AppendUint32(key, uint32(pred))
			}
			known, ok := several[string(key)]
			if !ok {
				known = open(n.preds)
				several[string(key)] = known
			}
			group = known
		}
		groups[group] = append(groups[group], int32(i))
	}
	p.feeds, p.members = flatten(feeds), flatten(groups)
	return p
}
