package engine

import (
	"context"
)

// looping is a loop with its types erased.
type looping struct {
	body  *step
	until func(ctx context.Context, body *frame) (bool, error)
	bound int
}

// Loop makes a step that runs body on its own result again and again, at least
// once, and ends when the function until says that the result will do. A loop
// that is not done after bound rounds fails.
func Loop[T any](name string, body Step[T, T], until func(ctx context.Context, result T) (bool, error), bound int, opts ...Option) Step[T, T] {
	s := newStep(name, "loop", until)
	s.ins, s.out = []columnKind{columnOf[T]{}}, columnOf[T]{}
	inner, wrong := inside(body)
	s.gated, s.deep = inner != nil && inner.gated, inner.depth()+1
	for _, problem := range wrong {
		s.problems.add("its body: " + problem)
	}
	if bound < 1 {
		s.problems.addf("its bound is %d; give the most rounds, from 1", bound)
	}
	s.problems.add(tooDeep(s.deep))
	s.loop = &looping{body: inner, bound: bound, until: func(ctx context.Context, body *frame) (bool, error) {
		return until(ctx, load[T](body, body.plan.out))
	}}
	return node1[T, T]{s.configure(opts)}
}
