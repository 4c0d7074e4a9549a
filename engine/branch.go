package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// branching is a branch with its types erased.
type branching struct {
	choose func(ctx context.Context, f *frame, o *op) (int, error) // index in steps
	steps  []*step
}

// Branch makes a step that runs one of several: choose returns which. It must be
// one of steps. The others are reported as skipped.
func Branch[I, O any](name string, choose func(ctx context.Context, in I) (Step[I, O], error), steps ...Step[I, O]) Step[I, O] {
	s := newStep(name, "branch", choose)
	s.ins, s.out = []columnKind{columnOf[I]{}}, columnOf[O]{}
	b := &branching{}
	s.branch = b
	seen := map[string]*step{}
	for i, one := range steps {
		inner, wrong := inside(one)
		for _, problem := range wrong {
			s.problems.addf("step %d: %s", i+1, problem)
		}
		switch {
		case inner == nil || seen[inner.info.Name] == nil:
		case seen[inner.info.Name] == inner:
			s.problems.addf("step %q is given twice; once is enough", inner.info.Name)
		default:
			s.problems.addf("two of its steps have the name %q; give each its own, for their paths", inner.info.Name)
		}
		if inner != nil {
			seen[inner.info.Name] = inner
			s.gated = s.gated || inner.gated
			s.deep = max(s.deep, inner.depth()+1)
		}
		b.steps = append(b.steps, inner)
	}
	if len(steps) == 0 {
		s.problems.add("it has no steps; give those that it chooses from")
	}
	s.problems.add(tooDeep(s.deep))
	b.choose = func(ctx context.Context, f *frame, o *op) (int, error) {
		chosen, err := choose(ctx, load[I](f, o.in[0]))
		if err != nil {
			return 0, err
		}
		var st *step
		if chosen != nil {
			st = chosen.erase()
		}
		for i, known := range b.steps {
			if known == st {
				return i, nil
			}
		}
		return 0, b.unknown(st)
	}
	return node1[I, O]{s}
}

func (b *branching) unknown(st *step) error {
	names := make([]string, len(b.steps))
	for i, s := range b.steps {
		names[i] = fmt.Sprintf("%q", s.info.Name)
	}
	list := strings.Join(names, ", ")
	switch {
	case st == nil:
		return fmt.Errorf("the branch chose nil; return one of its steps %s, or an error", list)
	case slices.ContainsFunc(b.steps, func(s *step) bool { return s.info.Name == st.info.Name }):
		return fmt.Errorf("the branch chose another step with the name %q than it was given; return the value that was given to engine.Branch", st.info.Name)
	default:
		return fmt.Errorf("the branch chose step %q, which is not one of its steps %s; give it to engine.Branch too", st.info.Name, list)
	}
}

// inside returns a step that is part of another, and what is wrong with it.
func inside(s erased) (*step, problems) {
	var st *step
	if s != nil {
		st = s.erase()
	}
	switch {
	case st == nil:
		return nil, problems{"it is nil or not defined yet; a step cannot be inside itself"}
	case st.pipeline != nil:
		if err := st.pipeline.err(); err != nil {
			return st, problems{err.Error()}
		}
	}
	var list problems
	for _, problem := range st.problems {
		list.addf("%q: %s", st.info.Name, problem)
	}
	return st, list
}
