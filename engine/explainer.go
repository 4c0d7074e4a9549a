package engine

import (
	"github.com/spanloom/spanloom/callbacks"
)

// explainer walks over definitions as the compiler does.
type explainer struct {
	*Explanation
	limit int
	hears [][]callbacks.PipelineCallback // 0: those of the Config
	known map[earsKey]int                // index in hears
	shown map[expansion]int              // step that shows what is inside
}

// aspect is what a policy says something about.
type aspect int

const (
	aspectRetry aspect = iota
	aspectTimeout
	aspectCache
	aspectConcurrency
	aspectRunner
	aspectCallbacks
	aspects
)

// origin is which step said what holds of an aspect.
type origin [aspects]int

const (
	noStep = -1 // no step, but the Config or nobody
	itself = -2 // the step whose inside it is
)

var fromConfig = origin{noStep, noStep, noStep, noStep, noStep, noStep}

// setting is what holds somewhere; see inherited.
type setting struct {
	policy policy
	origin origin
	ears   int // index in hears
}

type earsKey struct {
	around int
	said   *listening
}

// expansion is what decides how the inside of a step looks.
type expansion struct {
	step   *step
	info   *callbacks.Node
	inside setting
}

// shape is what is known of a step besides its place.
type shape struct {
	parent int
	role   string
	in     []string
	out    string
	inputs []int
}

// step explains a step and all that is inside.
func (x *explainer) step(p place, s shape, around setting) int {
	id := len(x.steps)
	x.steps = append(x.steps, explained{
		id: id, parent: s.parent, role: s.role, name: p.info.Name, kind: "unknown",
		in: s.in, out: s.out, inputs: s.inputs, result: -1, same: -1,
	})
	switch {
	case p.wire != nil:
		e := &x.steps[id]
		e.wire, e.name, e.kind = true, "", p.info.Name
		return id
	case p.step == nil:
		return id
	}
	said := p.said()
	inside := x.inside(around, said, id)
	e := &x.steps[id]
	e.kind = kindOf(p.step)
	e.parts = p.step.pipeline != nil || p.step.branch != nil || p.step.loop != nil
	e.tolerant = said.tolerant
	e.show(p, said, inside, x.hears[inside.ears])
	if p.bind != nil {
		e.kind, e.of = "map", e.kind
		inside = x.inside(around, p.item().said(), id)
	}
	if p.step.loop != nil {
		e.bound = p.step.loop.bound
	}
	if e.parts {
		x.expand(id, p, inside)
	}
	return id
}

func kindOf(st *step) string {
	if st.info.Type == "func" {
		return "node"
	}
	return st.info.Type
}

// show keeps the options that are to be shown.
func (e *explained) show(p place, said policy, inside setting, hears []callbacks.PipelineCallback) {
	e.policy, e.origin = said, inside.origin
	if !e.parts {
		e.policy = p.step.applied(inside.policy, said)
	}
	e.policy.concurrency = nil
	if limit := inside.policy.limit(); p.bind != nil && (limit > 0 || inside.policy.concurrency != nil) {
		e.limited, e.items = true, limit
		if inside.policy.sequential() {
			e.origin[aspectConcurrency] = inside.origin[aspectRunner]
		}
	} else if p.bind == nil && e.parts && said.concurrency != nil {
		e.limited, e.items = true, *said.concurrency
	}
	if inside.origin[aspectRunner] == noStep {
		e.policy.runner = nil
	}
	if said.callbacks != nil || !e.parts && inside.origin[aspectCallbacks] != noStep {
		e.callbacks = typeNames(hears)
	}
}

// inside returns what holds inside the step id, of which something was said.
func (x *explainer) inside(around setting, said policy, id int) setting {
	in := setting{said.inside(around.policy), around.origin, around.ears}
	for a, set := range [aspects]bool{
		aspectRetry: said.retry != nil, aspectTimeout: said.timeout != nil, aspectCache: said.cache != nil,
		aspectConcurrency: said.concurrency != nil, aspectRunner: said.runner != nil, aspectCallbacks: said.callbacks != nil,
	} {
		if set {
			in.origin[a] = id
		}
	}
	if said.callbacks != nil {
		in.ears = x.hear(earsKey{around.ears, said.callbacks})
	}
	return in
}

// hear returns who hears a step; see the function hear.
func (x *explainer) hear(key earsKey) int {
	if i, ok := x.known[key]; ok {
		return i
	}
	var list []callbacks.PipelineCallback
	for _, cb := range x.hears[key.around] {
		if !key.said.replace || pinned(cb) {
			list = append(list, cb)
		}
	}
	x.hears = append(x.hears, append(list, key.said.list...))
	x.known[key] = len(x.hears) - 1
	return len(x.hears) - 1
}

// expand explains what is inside the step id.
func (x *explainer) expand(id int, p place, inside setting) {
	key := expansion{p.step, p.info, inside}
	for a := range key.inside.origin {
		if key.inside.origin[a] == id {
			key.inside.origin[a] = itself
		}
	}
	if same, ok := x.shown[key]; ok {
		x.steps[id].same = same
		return
	}
	st := p.step
	size := 1
	switch {
	case st.pipeline != nil:
		size = len(st.pipeline.places)
	case st.branch != nil:
		size = len(st.branch.steps)
	}
	if len(x.steps)+size > x.limit {
		x.steps[id].cut = true
		return
	}
	x.shown[key] = id
	switch {
	case st.pipeline != nil:
		x.pipeline(id, st.pipeline, inside)
	case st.branch != nil:
		for _, one := range st.branch.steps {
			x.part(id, "case", one, inside)
		}
	default:
		x.part(id, "body", st.loop.body, inside)
	}
}

// part explains a step that has no place in a pipeline.
func (x *explainer) part(id int, role string, st *step, inside setting) {
	if st != nil {
		x.step(place{info: st.info, step: st}, shape{id, role, types(st.ins), st.out.typ().String(), []int{id}}, inside)
	}
}

// pipeline explains the places of a pipeline.
func (x *explainer) pipeline(id int, def *definition, inside setting) {
	source := make([]int, len(def.values)) // of each value
	source[def.in] = id
	for _, p := range def.places {
		s := shape{parent: id, out: def.values[p.out].typ().String()}
		for _, v := range p.in {
			s.in = append(s.in, def.values[v].typ().String())
			s.inputs = append(s.inputs, source[v])
		}
		source[p.out] = x.step(*p, s, inside)
	}
	x.steps[id].result = source[def.out]
}
