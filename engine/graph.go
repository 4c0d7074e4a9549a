package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/spanloom/spanloom/callbacks"
)

// Graph is a pipeline while it is being defined. It is only for the function
// that [Define] calls.
type Graph struct{ def *definition }

// Value is what a step will give, seen while a pipeline is being defined. It
// belongs to the pipeline in whose definition it was made.
type Value[T any] struct {
	def *definition
	id  int32
}

// Add runs a step on a value.
func Add[I, O any](g *Graph, s Step[I, O], in Value[I], opts ...Option) Value[O] {
	return add[O](g, s, opts, in.handle())
}

// Add0 runs a step that has no input.
func Add0[O any](g *Graph, s Step0[O], opts ...Option) Value[O] {
	return add[O](g, s, opts)
}

// Add2 runs a step on two values.
func Add2[A, B, O any](g *Graph, s Step2[A, B, O], a Value[A], b Value[B], opts ...Option) Value[O] {
	return add[O](g, s, opts, a.handle(), b.handle())
}

// Add3 runs a step on three values.
func Add3[A, B, C, O any](g *Graph, s Step3[A, B, C, O], a Value[A], b Value[B], c Value[C], opts ...Option) Value[O] {
	return add[O](g, s, opts, a.handle(), b.handle(), c.handle())
}

// Add4 runs a step on four values.
func Add4[A, B, C, D, O any](g *Graph, s Step4[A, B, C, D, O], a Value[A], b Value[B], c Value[C], d Value[D], opts ...Option) Value[O] {
	return add[O](g, s, opts, a.handle(), b.handle(), c.handle(), d.handle())
}

// Map runs a step on every item of a slice and gives the results in the order
// of the items. Items run in parallel. The first failure cancels the others,
// unless [ContinueOnError] is given.
func Map[I, O any](g *Graph, s Step[I, O], in Value[[]I], opts ...Option) Value[[]O] {
	u, ok := g.def.use(s, opts)
	if ok {
		u.bind = bindBodies[I, O]
		if fn, ok := u.step.function().(func(context.Context, I) (O, error)); ok {
			u.bind = bindNodes(fn)
			u.direct = true
		}
		u.bind = labelled[I](g.def, u)
	}
	return connect[[]O](g.def, u, in.handle())
}

// Map2 is [Map] with a second value that is the same for all items.
func Map2[I, B, O any](g *Graph, s Step2[I, B, O], in Value[[]I], with Value[B], opts ...Option) Value[[]O] {
	u, ok := g.def.use(s, opts)
	if ok {
		u.bind = bindBodies2[I, B, O]
		if fn, ok := u.step.function().(func(context.Context, I, B) (O, error)); ok {
			u.bind = bindNodes2(fn)
			u.direct = true
		}
		u.bind = labelled[I](g.def, u)
	}
	return connect[[]O](g.def, u, in.handle(), with.handle())
}

// add is what all Add functions do.
func add[O any](g *Graph, s erased, opts []Option, in ...handle) Value[O] {
	u, ok := g.def.use(s, opts)
	if valueOf(u.policy).tolerant {
		g.def.errorf("node %q: engine.ContinueOnError is for maps", u.info.Name)
	}
	if u.label != nil {
		g.def.errorf("node %q: engine.WithLabel is for maps", u.info.Name)
	}
	if ok && u.step.gated {
		g.def.gated = true
	}
	return connect[O](g.def, u, in...)
}

// connect adds the use of a step and returns the value that it will give.
func connect[O any](def *definition, u place, in ...handle) Value[O] {
	if def.late() {
		def.errorf("node %q: it was added after Define had returned; add it in the build function", u.info.Name)
		return Value[O]{def, def.in}
	}
	u.in = def.ids.list(len(in))
	for i, h := range in {
		owner, id := h.def, h.id
		switch owner {
		case def:
			u.in = append(u.in, id)
		case nil:
			def.errorf("node %q: input %d is the zero Value; pass what an Add or Map returned", u.info.Name, i+1)
		default:
			def.errorf("node %q: input %d is a value of pipeline %q; a value can be used only in the pipeline that made it, so pass it in as an input",
				u.info.Name, i+1, owner.info.Name)
		}
	}
	out := newValue[O](def)
	u.out = out.id
	def.places = append(def.places, def.memory.add(u))
	return out
}

// late reports whether Define has returned: nothing of def may change then.
func (def *definition) late() bool {
	def.mu.Lock()
	defer def.mu.Unlock()
	return def.sealed
}

type erased interface{ erase() *step }

// handle is a value without its type.
type handle struct {
	def *definition
	id  int32
}

func (v Value[T]) handle() handle { return handle(v) }

func newValue[T any](def *definition) Value[T] {
	def.values = append(def.values, columnOf[T]{})
	return Value[T]{def, int32(len(def.values) - 1)}
}

// place is one use of a step in a pipeline, or a piece of wiring.
type place struct {
	info   *callbacks.Node
	step   *step   // nil for wiring
	policy *policy // nil: nothing was said
	bind   bind    // of a map
	direct bool    // of a map: it calls a node's function
	label  any     // of a map: func(I) string
	wire   call
	in     []int32
	out    int32

	// For the compiler:
	kind  columnKind   // of the output
	kinds []columnKind // of the inputs of a map
	heard bool         // what was said of callbacks and runner is done
}

// use begins a place for s, noting what is wrong with it. It reports whether the
// step can be used at all.
func (def *definition) use(s erased, opts []Option) (place, bool) {
	var st *step
	if s != nil {
		st = s.erase()
	}
	if def.late() { // connect tells
		u := place{info: &callbacks.Node{Name: "?"}}
		if st != nil {
			u.info = st.info
		}
		return u, false
	}
	if st == nil {
		def.errorf("the step is nil or not defined yet; a pipeline cannot be inside itself")
		return place{info: &callbacks.Node{Name: "?"}}, false
	}
	u := apply(opts, st.info.Name)
	info := st.info
	if u.name != info.Name {
		info = &callbacks.Node{Name: u.name, Type: info.Type, Version: info.Version, Signature: info.Signature, PC: info.PC}
		if problem := badName(u.name); problem != "" {
			def.errorf("node %q: %s", u.name, problem)
		}
	}
	usable := len(st.problems) == 0
	for _, problem := range st.problems {
		def.errorf("node %q: %s", info.Name, problem)
	}
	if u.version != "" {
		def.errorf("node %q: engine.WithVersion is for the place where a pipeline is made; give it to Define", info.Name)
	}
	for _, problem := range u.problems {
		def.errorf("node %q: %s", info.Name, problem)
	}
	if st.pipeline != nil && !def.adopt(st.pipeline) {
		usable = false
	}
	if problem := def.measure(st); problem != "" {
		def.errorf("node %q: with it, %s", info.Name, problem)
		usable = false
	}
	def.take(u.name)
	return place{info: info, step: st, policy: u.policy.kept(), label: u.label}, usable
}

// take notes that a node has a name. Of one that is taken it tells a free one, to each
// node another.
func (def *definition) take(name string) {
	uses := def.names[name]
	def.names[name]++
	if uses == 0 {
		return
	}
	count := "twice"
	if uses > 1 {
		count = fmt.Sprint(uses+1, " times")
	}
	for n := uses + 1; ; n++ {
		free := fmt.Sprint(name, n)
		if def.names[free] == 0 {
			def.errorf("node %q: the name is used %s in this pipeline; give this one another with engine.WithName(%q)", name, count, free)
			return
		}
	}
}

// errorf keeps a mistake in the definition, with the place in the user's code.
func (def *definition) errorf(format string, args ...any) {
	at := ""
	var pcs [8]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !isEngine(f.Function) {
			at = fmt.Sprintf("%s:%d: ", filepath.Base(f.File), f.Line)
			break
		}
		if !more {
			break
		}
	}
	def.mu.Lock()
	defer def.mu.Unlock()
	def.latest.Store(nil)
	def.errs = append(def.errs, fmt.Errorf("%spipeline %q: "+format, append([]any{at, def.info.Name}, args...)...))
}
