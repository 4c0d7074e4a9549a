package engine

import (
	"slices"

	"github.com/spanloom/spanloom/callbacks"
)

// compiler makes one plan; inner plans have compilers of their own.
type compiler struct {
	*plan
	*compilation
	preds  [][]int32
	column map[columnKind]int32
	feeds  []int32 // operation -> how many operations use it
	rares  chunks[rare]
	ids    chunks[int32]
}

// compilation is what the compilers of a root plan share.
type compilation struct {
	hearing []hearing
	bodies  map[bodyKey]*plan
}

// bodyKey is what decides the plan of a step.
type bodyKey struct {
	step   *step
	info   *callbacks.Node
	said   policy
	around inherited
	item   bool
}

// inherited is what a step has from the pipelines around it. Its policy is
// compared as a value: policies are equal when the same options made them.
type inherited struct {
	policy policy
	ears   int32
}

// value is a value of a definition, placed in the plan.
type value struct {
	slot slot
	from int32 // the operation after which it is there
}

// compile makes the plan of a root pipeline.
func compile(def *definition, r Runner) *plan {
	all := &compilation{bodies: map[bodyKey]*plan{}}
	around := all.inside(inherited{policy: policy{runner: &r}}, valueOf(def.step.policy))
	c := newCompiler(all, around)
	c.room(def.size)
	in := c.slot(def.values[def.in])
	out := c.pipeline(def, def.info, -1, value{slot: in, from: -1}, nil, around)
	c.ins, c.out, c.gated = []slot{in}, out.slot, def.gated
	c.plan.hearing, c.def = all.hearing, def
	return c.finish()
}

func newCompiler(all *compilation, i inherited) *compiler {
	return &compiler{
		plan:        &plan{ears: i.ears, runner: *i.policy.runner},
		compilation: all,
		column:      map[columnKind]int32{},
	}
}

// room makes room for about that many steps.
func (c *compiler) room(steps int) {
	n := steps + 2 // a pipeline enters and exits
	c.ops = make([]op, 0, n)
	c.preds = make([][]int32, 0, n)
	c.feeds = make([]int32, 0, n)
	c.rares.next, c.ids.next = n, n
}

func (c *compiler) finish() *plan {
	c.last = int32(len(c.ops) - 1)
	for i := range c.ops {
		o := &c.ops[i]
		o.lazy = o.kind == opNode && o.guard == nil && !o.top
		switch {
		case o.lazy:
			c.lazy++
		case o.kind != opWire && o.kind != opExit:
			c.contexts++
		}
		if o.isNode() {
			c.scopes[o.scope].nodes++
		}
	}
	c.link()
	p := c.plan
	p.frames.New = func() any { return newFrame(p) }
	return p
}

// inside returns what holds inside a step of which something was said.
func (all *compilation) inside(around inherited, said policy) inherited {
	in := inherited{said.inside(around.policy), around.ears}
	if said.callbacks != nil {
		all.hearing = append(all.hearing, hearing{around.ears, *said.callbacks})
		in.ears = int32(len(all.hearing))
	}
	return in
}

// body returns the plan of a step that runs in frames of its own.
func (all *compilation) body(p place, item bool, around inherited) *plan {
	key := bodyKey{p.step, p.info, valueOf(p.policy), around, item}
	if known := all.bodies[key]; known != nil && p.bind == nil {
		return known
	}
	said := p.said()
	inside := around
	if !p.heard {
		inside = all.inside(around, policy{callbacks: said.callbacks, runner: said.runner})
	}
	c := newCompiler(all, inside)
	c.inner = true
	c.scopes = []scope{{info: p.info, parent: -1}}
	kinds := p.step.ins
	if p.bind != nil {
		kinds = p.kinds
	} else {
		c.gated = p.step.stops(item)
	}
	values := make([]value, 0, len(kinds))
	for _, kind := range kinds {
		s := c.slot(kind)
		c.ins = append(c.ins, s)
		values = append(values, value{s, -1})
	}
	p.heard = true
	c.out = c.use(p, 0, values, nil, inside).slot
	made := c.finish()
	if p.bind == nil {
		all.bodies[key] = made
	}
	return made
}

// stops reports whether a step may be stopped by a gate inside, and nothing
// around it is.
func (s *step) stops(item bool) bool {
	if s.pipeline != nil {
		return s.pipeline.gated
	}
	return item && s.gated
}

// pipeline adds all operations of def, which gets its input from in. order is
// what else must come before.
func (c *compiler) pipeline(def *definition, info *callbacks.Node, parent int32, in value, order []int32, around inherited) value {
	index := int32(len(c.scopes))
	c.scopes = append(c.scopes, scope{info: info, parent: parent, in: in.slot})
	top := c.inner && parent == 0
	enter := c.add(op{kind: opEnter, scope: index, info: info, top: top, rare: c.rares.add(rare{from: c.from(in)})}, union(c.from(in), order))

	values := make([]value, len(def.values))
	values[def.in] = value{in.slot, enter}
	var last []int32 // what ran before, when one runs after another
	var scratch []value
	ends := make([]int32, 0, len(def.places))
	for i := range def.places {
		p := *def.places[i]
		p.kind = def.values[p.out]
		ins := scratch[:0]
		for _, id := range p.in {
			ins = append(ins, values[id])
		}
		scratch = ins
		if len(ins) == 0 && len(last) == 0 {
			last = []int32{enter}
		}
		out := c.place(p, index, ins, last, around)
		values[p.out] = out
		ends = append(ends, out.from)
		last = nil
		if around.policy.sequential() {
			last = []int32{out.from}
		}
	}
	ends = slices.DeleteFunc(ends, func(m int32) bool { return c.feeds[m] > 0 })
	if len(ends) == 0 {
		ends = []int32{enter}
	}
	out := values[def.out]
	c.scopes[index].out = out.slot
	exit := c.add(op{kind: opExit, scope: index, info: info, top: top, rare: c.rares.add(rare{from: []int32{out.from}})}, ends)
	return value{out.slot, exit}
}

func union(a, b []int32) []int32 {
	if len(a) <= 1 && len(b) == 0 {
		return a
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// from returns the operations that give values.
func (c *compiler) from(vs ...value) []int32 {
	ids := c.ids.list(len(vs))
	for _, v := range vs {
		if v.from >= 0 {
			ids = append(ids, v.from)
		}
	}
	return ids
}

// place adds one place of a pipeline. A step that must be apart gets a plan of
// its own.
func (c *compiler) place(p place, scope int32, ins []value, order []int32, around inherited) value {
	if p.wire != nil {
		return c.wiring(p.info, p.wire, p.kind, scope, ins, order)
	}
	said := p.said()
	apart := said.callbacks != nil || said.runner != nil || p.bind == nil && p.step.stops(false)
	if !apart {
		return c.use(p, scope, ins, order, around)
	}
	for _, v := range ins {
		p.kinds = append(p.kinds, c.columns[v.slot.column].kind)
	}
	body := c.body(p, false, around)
	out := p.step.out
	if p.bind != nil {
		out = p.kind
	}
	o := op{kind: opCall, scope: scope, info: p.info, rare: c.rares.add(rare{step: p.step, bodies: []*plan{body}})}
	return c.step(o, out, ins, order)
}

// use adds the operations of a step to this plan.
func (c *compiler) use(p place, scope int32, ins []value, order []int32, around inherited) value {
	st := p.step
	said := p.said()
	inside := inherited{said.inside(around.policy), around.ears}
	if st.paired != nil && p.bind == nil {
		ins, order = []value{c.wiring(p.info, st.paired.call, st.paired.kind, scope, ins, order)}, nil
	}
	if st.pipeline != nil && p.bind == nil {
		return c.pipeline(st.pipeline, p.info, scope, ins[0], order, inside)
	}
	o := op{scope: scope, info: p.info, rare: c.rares.add(rare{step: st})}
	out := st.out
	switch {
	case p.bind != nil:
		out = p.kind
		o.kind, o.bind, o.limit, o.tolerant = opMap, p.bind, inside.policy.limit(), said.tolerant
		if p.direct {
			o.guard = st.applied(inside.policy, said).guard()
			break
		}
		o.bodies = []*plan{c.body(p.item(), true, around)}
	case st.branch != nil:
		o.kind = opBranch
		for _, one := range st.branch.steps {
			o.bodies = append(o.bodies, c.body(place{info: one.info, step: one}, false, inside))
		}
	case st.loop != nil:
		o.kind = opLoop
		o.bodies = []*plan{c.body(place{info: st.loop.body.info, step: st.loop.body}, false, inside)}
	default:
		o.call, o.guard = st.call, st.applied(inside.policy, said).guard()
	}
	return c.step(o, out, ins, order)
}

func (c *compiler) wiring(info *callbacks.Node, call call, out columnKind, scope int32, ins []value, order []int32) value {
	o := op{kind: opWire, scope: scope, info: info, call: call, rare: c.rares.add(rare{many: make([]slot, len(ins))})}
	for i, v := range ins {
		o.many[i] = v.slot
	}
	return c.connect(o, out, ins, order)
}

// step adds an operation that has its inputs in slots of its own.
func (c *compiler) step(o op, out columnKind, ins []value, order []int32) value {
	for i, v := range ins {
		o.in[i] = v.slot
	}
	o.inputs = int8(len(ins))
	return c.connect(o, out, ins, order)
}

func (c *compiler) connect(o op, out columnKind, ins []value, order []int32) value {
	o.from = c.from(ins...)
	o.out = c.slot(out)
	o.top = c.inner && o.scope == 0
	return value{o.out, c.add(o, union(o.from, order))}
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
