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

// Option changes how a step is used at one place of a pipeline.
type Option func(*usage)

// usage is what the options of one place say.
type usage struct{ name string }

// WithName gives the step another name at this place, which is needed when a
// pipeline uses the same step twice.
func WithName(name string) Option { return func(u *usage) { u.name = name } }

// Add runs a step on a value.
func Add[I, O any](g *Graph, s Step[I, O], in Value[I], opts ...Option) Value[O] {
	return add[O](g, s, opts, in)
}

// Add0 runs a step that has no input.
func Add0[O any](g *Graph, s Step0[O], opts ...Option) Value[O] {
	return add[O](g, s, opts)
}

// Add2 runs a step on two values.
func Add2[A, B, O any](g *Graph, s Step2[A, B, O], a Value[A], b Value[B], opts ...Option) Value[O] {
	return add[O](g, s, opts, a, b)
}

// Add3 runs a step on three values.
func Add3[A, B, C, O any](g *Graph, s Step3[A, B, C, O], a Value[A], b Value[B], c Value[C], opts ...Option) Value[O] {
	return add[O](g, s, opts, a, b, c)
}

// Add4 runs a step on four values.
func Add4[A, B, C, D, O any](g *Graph, s Step4[A, B, C, D, O], a Value[A], b Value[B], c Value[C], d Value[D], opts ...Option) Value[O] {
	return add[O](g, s, opts, a, b, c, d)
}

// Map runs a step on every item of a slice and gives the results in the order
// of the items. Items run in parallel. The first failure cancels the others.
func Map[I, O any](g *Graph, s Step[I, O], in Value[[]I], opts ...Option) Value[[]O] {
	u, st, ok := g.def.use(s, opts)
	if ok && st.pipeline == nil {
		fn := st.fn.(func(context.Context, I) (O, error)) //nolint:forcetypeassert // Step[I, O] is sealed
		u.bind = bindNodes(fn)
	} else if ok {
		u.bind = bindPipelines[I, O]
	}
	return connect[[]O](g.def, u, in)
}

// Collect makes one value of several, in their order. It is wiring, not a node:
// it has no name, no span and no hooks.
func Collect[T any](g *Graph, vs ...Value[T]) Value[[]T] {
	in := make([]handle, len(vs))
	for i, v := range vs {
		in[i] = v
	}
	u := place{info: &callbacks.Node{Name: "collect"}, collect: func(_ context.Context, f *frame, o *op) error {
		out := make([]T, len(o.many))
		for i, s := range o.many {
			out[i] = load[T](f, s)
		}
		store(f, o.out, out)
		return nil
	}}
	return connect[[]T](g.def, u, in...)
}

// add is what all Add functions do.
func add[O any](g *Graph, s erased, opts []Option, in ...handle) Value[O] {
	u, _, _ := g.def.use(s, opts)
	return connect[O](g.def, u, in...)
}

// connect adds the use of a step and returns the value that it will give.
func connect[O any](def *definition, u place, in ...handle) Value[O] {
	for i, h := range in {
		owner, id := h.handle()
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
	def.mu.Lock()
	sealed := def.sealed
	def.mu.Unlock()
	if sealed {
		def.errorf("node %q: it was added after Define had returned; add it in the build function", u.info.Name)
		return Value[O]{def, def.in}
	}
	out := newValue[O](def)
	u.out = out.id
	def.places = append(def.places, u)
	return out
}

type erased interface{ erase() *step }

type handle interface {
	handle() (owner *definition, id int32)
}

func (v Value[T]) handle() (*definition, int32) { return v.def, v.id }

func newValue[T any](def *definition) Value[T] {
	def.values = append(def.values, columnOf[T]{})
	return Value[T]{def, int32(len(def.values) - 1)}
}

// place is one use of a step in a pipeline, or one collection of values.
type place struct {
	info    *callbacks.Node
	step    *step // nil when it collects
	bind    bind  // of a map
	collect call
	in      []int32
	out     int32
}

// use begins a place for s, noting what is wrong with it. It reports whether the
// step can be used at all.
func (def *definition) use(s erased, opts []Option) (place, *step, bool) {
	var st *step
	if s != nil {
		st = s.erase()
	}
	if st == nil {
		def.errorf("the step is nil or not defined yet; a pipeline cannot be inside itself")
		return place{info: &callbacks.Node{Name: "?"}}, nil, false
	}
	u := usage{name: st.info.Name}
	for _, o := range opts {
		if o != nil {
			o(&u)
		}
	}
	info := st.info
	if u.name != info.Name {
		info = &callbacks.Node{Name: u.name, Type: info.Type, Signature: info.Signature, PC: info.PC}
		if problem := badName(u.name); problem != "" {
			def.errorf("node %q: %s", u.name, problem)
		}
	}
	usable := st.problem == ""
	if !usable {
		def.errorf("node %q: %s", info.Name, st.problem)
	}
	if st.pipeline != nil && !def.adopt(st.pipeline) {
		usable = false
	}
	if _, taken := def.names[u.name]; taken {
		def.errorf("node %q: the name is used twice in this pipeline; give the second one another with engine.WithName(%q)", u.name, u.name+"2")
	}
	def.names[u.name] = struct{}{}
	return place{info: info, step: st}, st, usable
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
	def.errs = append(def.errs, fmt.Errorf("%spipeline %q: "+format, append([]any{at, def.info.Name}, args...)...))
}
