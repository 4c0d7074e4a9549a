package engine

import (
	"context"

	"github.com/spanloom/spanloom/callbacks"
)

// Collect makes one value of several, in their order. It is wiring, not a node:
// it has no name, no span and no hooks.
func Collect[T any](g *Graph, vs ...Value[T]) Value[[]T] {
	in := make([]handle, len(vs))
	for i, v := range vs {
		in[i] = v.handle()
	}
	return connect[[]T](g.def, wire("collect", func(_ context.Context, f *frame, o *op) error {
		out := make([]T, len(o.many))
		for i, s := range o.many {
			out[i] = load[T](f, s)
		}
		store(f, o.out, out)
		return nil
	}), in...)
}

// Field takes a part of a value, such as one field of a struct:
//
//	engine.Field(g, v, func(p Page) string { return p.URL })
//
// It is wiring, not a node: it has no name, no span and no hooks, and get should
// do no more than that. A panic in it is a failure of the pipeline.
func Field[S, F any](g *Graph, v Value[S], get func(S) F) Value[F] {
	if get == nil {
		g.def.errorf("the function of engine.Field is nil")
		get = func(S) (none F) { return none }
	}
	return connect[F](g.def, wire("field", func(_ context.Context, f *frame, o *op) error {
		store(f, o.out, get(load[S](f, o.many[0])))
		return nil
	}), v.handle())
}

// Pair is two values in one, for steps made by [Paired].
type Pair[A, B any] struct {
	First  A
	Second B
}

// Paired makes a step with two inputs of one that takes them as a pair, so that
// [Add2] and [Map2] can use a pipeline, a branch or a loop.
func Paired[A, B, O any](s Step[Pair[A, B], O]) Step2[A, B, O] {
	if s == nil || s.erase() == nil {
		return node2[A, B, O]{}
	}
	inner := s.erase()
	st := *inner
	st.ins = []columnKind{columnOf[A]{}, columnOf[B]{}}
	st.paired = &paired{
		kind: columnOf[Pair[A, B]]{},
		call: func(_ context.Context, f *frame, o *op) error {
			store(f, o.out, Pair[A, B]{load[A](f, o.many[0]), load[B](f, o.many[1])})
			return nil
		},
		fn: func(ctx context.Context, a A, b B) (O, error) {
			fn := inner.fn.(func(context.Context, Pair[A, B]) (O, error)) //nolint:forcetypeassert // Step is sealed
			return fn(ctx, Pair[A, B]{a, b})
		},
	}
	return node2[A, B, O]{&st}
}

// paired is what makes one input of two.
type paired struct {
	kind columnKind
	call call
	fn   any // of a node: with two inputs
}

// wire returns a place for something that is not a node.
func wire(name string, c call) place {
	return place{info: &callbacks.Node{Name: name}, wire: c}
}
