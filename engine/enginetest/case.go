package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spanloom/spanloom/engine"
)

// Case is a pipeline with an input. It has state, and is for one check: take
// another from [Cases] for the next.
type Case struct {
	// Name says what the case is about, and is unique.
	Name string

	needs  Ability
	is     []error // what the error wraps
	silent bool    // Run may not return
	around func(context.Context) (context.Context, context.CancelFunc)
	passes int
	play   func(pass int, ctx context.Context, cfg engine.Config) (any, error)
	stage  *stage
	pass   int
}

// Cases returns all cases, new ones at each call.
func Cases() []*Case {
	var all []*Case
	for _, group := range [][]func() *Case{flow, maps, choices, gates, failures, policies, caches, parts} {
		for _, fresh := range group {
			all = append(all, fresh())
		}
	}
	return all
}

// Run runs the pipeline of the case with its input and returns the result as
// JSON. It may come with an error, as [engine.Pipeline.Run] says.
func (c *Case) Run(ctx context.Context, cfg engine.Config) ([]byte, error) {
	pass := c.pass
	c.pass++
	if pass >= c.passes {
		return nil, fmt.Errorf("the case %q is run more often than it should be", c.Name)
	}
	out, err := c.play(pass, ctx, cfg)
	data, failed := json.Marshal(out)
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	return data, err
}

// option changes a case.
type option func(*Case)

// needs says what a runner must be able to do for the case.
func needs(a Ability) option { return func(c *Case) { c.needs = a } }

// wraps says what the error of the run must be in the sense of errors.Is.
func wraps(errs ...error) option { return func(c *Case) { c.is = errs } }

// within runs the case in another context.
func within(f func(context.Context) (context.Context, context.CancelFunc)) option {
	return func(c *Case) { c.around = f }
}

// inputs are those of the runs of a case, one after another, with one cache.
type inputs[I any] []I

// one is the input of a case that runs once.
func one[I any](in I) inputs[I] { return inputs[I]{in} }

// scene makes a case. What define makes, it makes for one check.
func scene[I, O any](name string, ins inputs[I], define func(s *stage) *engine.Pipeline[I, O], opts ...option) func() *Case {
	return func() *Case {
		s := &stage{over: make(chan struct{}), other: &witness{}, meetings: map[string]*meeting{}}
		p := define(s)
		c := &Case{Name: name, stage: s, passes: len(ins)}
		c.play = func(pass int, ctx context.Context, cfg engine.Config) (any, error) {
			return p.Run(ctx, ins[pass], cfg)
		}
		for _, o := range opts {
			o(c)
		}
		return c
	}
}

// stage is what the nodes of a case share.
type stage struct {
	cancel func()        // ends the context of the run
	over   chan struct{} // closed when the run has returned
	other  *witness      // a second callback, the same in all passes

	mu       sync.Mutex
	meetings map[string]*meeting
}

// meeting is where nodes wait for each other.
type meeting struct {
	missing int
	all     chan struct{}
}

// patience is how long nodes wait for those that should run at the same time.
const patience = 20 * time.Second

// meet returns when n nodes have called it with the same place.
func (s *stage) meet(ctx context.Context, place string, n int) error {
	s.mu.Lock()
	m := s.meetings[place]
	if m == nil {
		m = &meeting{n, make(chan struct{})}
		s.meetings[place] = m
	}
	m.missing--
	if m.missing == 0 {
		close(m.all)
	}
	s.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-m.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("only %d of %d nodes run at the same time; is the runner without enginetest.Parallel?", n-m.missing, n)
	}
}

type (
	graph = engine.Graph
	num   = engine.Value[int]
	list  = engine.Value[[]int]
	text  = engine.Value[string]

	pipeline = engine.Pipeline[int, int]
	mapper   = engine.Pipeline[[]int, []int]
)

var errBroken = errors.New("broken")

// quotaError has an error.type of its own.
type quotaError struct{ user string }

func (e *quotaError) Error() string   { return e.user + " has no quota left" }
func (*quotaError) ErrorType() string { return "quota" }

// node is a step of a function that cannot fail.
func node[I, O any](name string, fn func(I) O, opts ...engine.Option) engine.Step[I, O] {
	return engine.Node(name, func(_ context.Context, in I) (O, error) { return fn(in), nil }, opts...)
}

// fails is a step that returns err.
func fails(name string, err error, opts ...engine.Option) engine.Step[int, int] {
	return engine.Node(name, func(context.Context, int) (int, error) { return 0, err }, opts...)
}

// waits is a step that meets n-1 others and then waits for its context.
func (s *stage) waits(name string, n int, opts ...engine.Option) engine.Step[int, int] {
	return engine.Node(name, func(ctx context.Context, _ int) (int, error) {
		if err := s.meet(ctx, "", n); err != nil {
			return 0, err
		}
		<-ctx.Done()
		return 0, ctx.Err()
	}, opts...)
}

// failsLate is a step that meets n-1 others and then returns err.
func (s *stage) failsLate(name string, n int, err error) engine.Step[int, int] {
	return engine.Node(name, func(ctx context.Context, _ int) (int, error) {
		if err := s.meet(ctx, "", n); err != nil {
			return 0, err
		}
		return 0, err
	})
}

var (
	inc    = node("inc", func(n int) int { return n + 1 })
	double = node("double", func(n int) int { return 2 * n })
	add    = engine.Node2("add", func(_ context.Context, a, b int) (int, error) { return a + b, nil })
	total  = node("total", func(list []int) int {
		t := 0
		for _, n := range list {
			t += n
		}
		return t
	})
	// odd fails for odd numbers.
	odd = engine.Node("odd", func(_ context.Context, n int) (int, error) {
		if n%2 != 0 {
			return 0, errBroken
		}
		return 10 * n, nil
	})
)

// of makes a pipeline of one step.
func of[I, O any](name string, s engine.Step[I, O], opts ...engine.Option) *engine.Pipeline[I, O] {
	return engine.Define(name, func(g *graph, in engine.Value[I]) engine.Value[O] { return engine.Add(g, s, in, opts...) })
}

// over makes a pipeline that maps a step.
func over[I, O any](s engine.Step[I, O], opts ...engine.Option) *engine.Pipeline[[]I, []O] {
	return engine.Define("p", func(g *graph, in engine.Value[[]I]) engine.Value[[]O] { return engine.Map(g, s, in, opts...) })
}
