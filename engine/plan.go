package engine

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/spanloom/spanloom/callbacks"
)

// A plan is a pipeline made flat: one array of operations, in an order in which
// each comes after those it needs. Nested pipelines are part of the plan of the
// pipeline around them, between an enter and an exit operation. A pipeline that
// is mapped has a plan of its own, of which each item runs one frame.
//
// Operations with the same predecessors form a group, which has one counter of
// predecessors still to come; edges run from operations to groups. Both edge
// lists are in compressed sparse row form: outs[outAt[i]:outAt[i+1]].
type plan struct {
	ops    []op
	scopes []scope

	outAt, outs       []int32 // operation -> groups that wait for it
	memberAt, members []int32 // group -> operations
	need              []int32 // group -> number of predecessors

	columns []columnPlan
	in, out slot

	frames sync.Pool
}

// columnPlan is a column of a plan: its type, and how many values it holds.
type columnPlan struct {
	kind columnKind
	rows int32
}

// scope is a pipeline in a plan: the plan's own (0), or one nested in it.
type scope struct {
	info   *callbacks.Node
	parent int32
	in     slot
	out    slot
}

type opKind uint8

const (
	opNode opKind = iota
	opEnter
	opExit
	opMap
	opCollect
)

// op is one operation of a plan.
type op struct {
	kind   opKind
	inputs int8
	scope  int32 // the pipeline it belongs to; for enter and exit, the one it enters or leaves
	in     [4]slot
	out    slot
	info   *callbacks.Node
	many   []slot // of a collection: its inputs
	call   call   // of a node or collection
	bind   bind   // of a map
	sub    *plan  // of a map over a pipeline
}

// call runs a node's function on the values in the frame's slots.
type call func(ctx context.Context, f *frame, o *op) error

// compiler makes a plan of a definition and all that is nested in it.
type compiler struct {
	*plan
	preds  [][]int32
	column map[columnKind]int32
	feeds  []int32 // operation -> how many operations use it
}

// value is a value of a definition, placed in the plan.
type value struct {
	slot slot
	from int32 // the operation after which it is there
}

func compile(def *definition) *plan {
	c := &compiler{plan: &plan{}, column: map[columnKind]int32{}}
	in := c.slot(def.values[def.in])
	out := c.pipeline(def, def.info, -1, value{slot: in, from: -1})
	c.in, c.out = in, out.slot
	c.link()
	c.frames.New = func() any { return newFrame(c.plan) }
	return c.plan
}

// pipeline adds all operations of def, which gets its input from in.
func (c *compiler) pipeline(def *definition, info *callbacks.Node, parent int32, in value) value {
	index := int32(len(c.scopes))
	c.scopes = append(c.scopes, scope{info: info, parent: parent, in: in.slot})
	var preds []int32
	if in.from >= 0 {
		preds = []int32{in.from}
	}
	enter := c.add(op{kind: opEnter, scope: index, info: info}, preds)

	values := make([]value, len(def.values))
	values[def.in] = value{in.slot, enter}
	members := make([]int32, len(def.places))
	for i := range def.places {
		members[i] = c.place(def, &def.places[i], index, enter, values)
	}
	sinks := slices.DeleteFunc(members, func(m int32) bool { return c.feeds[m] > 0 })
	if len(sinks) == 0 {
		sinks = []int32{enter}
	}
	out := values[def.out]
	c.scopes[index].out = out.slot
	exit := c.add(op{kind: opExit, scope: index, info: info}, sinks)
	return value{out.slot, exit}
}

// place adds one use of a step and returns the last of its operations.
func (c *compiler) place(def *definition, p *place, scope, enter int32, values []value) int32 {
	if p.step != nil && p.step.pipeline != nil && p.bind == nil {
		out := c.pipeline(p.step.pipeline, p.info, scope, values[p.in[0]])
		values[p.out] = out
		return out.from
	}
	o := op{kind: opNode, scope: scope, info: p.info, bind: p.bind}
	switch {
	case p.collect != nil:
		o.kind, o.call = opCollect, p.collect
		o.many = make([]slot, len(p.in))
	case p.bind != nil:
		o.kind = opMap
		if p.step.pipeline != nil {
			o.sub = p.step.pipeline.compiled()
		}
	default:
		o.call = p.step.call
	}
	preds := make([]int32, 0, max(len(p.in), 1))
	for i, id := range p.in {
		v := values[id]
		preds = append(preds, v.from)
		if o.many != nil {
			o.many[i] = v.slot
		} else {
			o.in[i] = v.slot
			o.inputs++
		}
	}
	if len(preds) == 0 {
		preds = append(preds, enter)
	}
	slices.Sort(preds)
	preds = slices.Compact(preds)
	o.out = c.slot(def.values[p.out])
	id := c.add(o, preds)
	values[p.out] = value{o.out, id}
	return id
}

func (c *compiler) slot(kind columnKind) slot {
	i, ok := c.column[kind]
	if !ok {
		i = int32(len(c.columns))
		c.column[kind] = i
		c.columns = append(c.columns, columnPlan{kind: kind})
	}
	row := c.columns[i].rows
	c.columns[i].rows++
	return slot{i, row}
}

func (c *compiler) add(o op, preds []int32) int32 {
	c.ops = append(c.ops, o)
	c.preds = append(c.preds, preds)
	c.feeds = append(c.feeds, 0)
	for _, p := range preds {
		c.feeds[p]++
	}
	return int32(len(c.ops) - 1)
}

// link makes the groups and the edges.
func (c *compiler) link() {
	groupOf := map[string]int32{}
	after := make([]int32, len(c.ops)) // group of the operations that need only this one, plus 1
	var sets, members [][]int32
	var key []byte
	for id, preds := range c.preds {
		var g int32
		switch len(preds) {
		case 0:
			continue
		case 1:
			g = after[preds[0]] - 1
		default:
			key = key[:0]
			for _, p := range preds {
				key = binary.LittleEndian.AppendUint32(key, uint32(p))
			}
			g = groupOf[string(key)] - 1
		}
		if g < 0 {
			g = int32(len(sets))
			sets = append(sets, preds)
			members = append(members, nil)
			if len(preds) == 1 {
				after[preds[0]] = g + 1
			} else {
				groupOf[string(key)] = g + 1
			}
		}
		members[g] = append(members[g], int32(id))
	}
	outs := make([][]int32, len(c.ops))
	for g, set := range sets {
		c.need = append(c.need, int32(len(set)))
		for _, p := range set {
			outs[p] = append(outs[p], int32(g))
		}
	}
	c.outAt, c.outs = flatten(outs)
	c.memberAt, c.members = flatten(members)
}

func flatten(lists [][]int32) (at, flat []int32) {
	at = make([]int32, 1, len(lists)+1)
	for _, l := range lists {
		flat = append(flat, l...)
		at = append(at, int32(len(flat)))
	}
	return at, flat
}
