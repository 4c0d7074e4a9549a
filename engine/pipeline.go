package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/runs"
)

// Pipeline is a graph of steps that takes an I and gives an O. It is itself a
// [Step], so that pipelines nest. It is made by [Define], never changes, and may
// run any number of times at once.
type Pipeline[I, O any] struct{ def *definition }

var _ Step[int, int] = (*Pipeline[int, int])(nil)

// Define makes a pipeline. It calls build once, now; what build adds to the
// graph is run by [Pipeline.Run], each step as soon as its inputs are there. Options
// hold for all steps inside that do not say otherwise.
//
// Mistakes in the definition do not stop it: they are kept, each with its place
// in the source, for [Pipeline.Err] and Run.
func Define[I, O any](name string, build func(g *Graph, in Value[I]) Value[O], opts ...Option) *Pipeline[I, O] {
	def := &definition{info: &callbacks.Node{Name: name, Type: "pipeline"}, names: map[string]int{}}
	def.step = (&step{info: def.info, pipeline: def, ins: []columnKind{columnOf[I]{}}, out: columnOf[O]{}}).configure(opts)
	for _, problem := range def.step.problems {
		def.errorf("%s", problem)
	}
	def.step.problems = nil // they are told once, by this pipeline
	if problem := badName(name); problem != "" {
		def.errorf("%s", problem)
	}
	in := newValue[I](def)
	def.in = in.id
	out := in.id
	if build == nil {
		def.errorf("the build function is nil")
	} else {
		out = def.result(build(&Graph{def}, in).handle())
	}
	def.out = out
	def.mu.Lock()
	def.sealed = true
	def.mu.Unlock()
	return &Pipeline[I, O]{def}
}

// Name returns the pipeline's name.
func (p *Pipeline[I, O]) Name() string { return p.def.info.Name }

// Err returns the mistakes in the pipeline's definition and in those of the
// pipelines inside it, joined; nil when there are none.
func (p *Pipeline[I, O]) Err() error {
	if p == nil || p.def == nil {
		return errors.New("the pipeline is nil or was not made by engine.Define")
	}
	return p.def.err()
}

func (p *Pipeline[I, O]) seal(I) (out O) { return out }

func (p *Pipeline[I, O]) erase() *step {
	if p == nil || p.def == nil {
		return nil
	}
	return p.def.step
}

// Config says how a pipeline runs. The zero Config works.
type Config struct {
	// Callbacks hear the facts of the run, in this order. None may be nil. Defaults to
	// none.
	Callbacks []callbacks.PipelineCallback
	// Concurrency is the most nodes and map items in flight at once. Nodes
	// usually wait for something, so it is not the number of processors. At most
	// 100,000. Defaults to 64.
	Concurrency int
	// RunID names the run, with any text: a store makes names of files of it that are
	// safe. Defaults to 32 random hexadecimal digits.
	RunID string
	// Runner executes the run. Defaults to [Local].
	Runner Runner
	// Cache keeps the results of the steps that [WithCache] is said of. Defaults
	// to none: they run every time.
	Cache cache.Store
	// Runs keeps what has happened in the run. A run that ended early goes on
	// where it was when it is started again with the same RunID: steps that are
	// finished are not run again. Defaults to none.
	Runs runs.Store
	// NewTrace gives a run that goes on a trace of its own; its PipelineStart
	// tells the first one's. Without Runs no run goes on, and it says nothing. Defaults
	// to false: it goes on in the same trace.
	NewTrace bool
	// Record is kept with the run, beside what [Pipeline.Explain] tells of it,
	// such as the configuration of its telemetry; as JSON. Defaults to none.
	Record any
}

const (
	defaultConcurrency = 64
	maxConcurrency     = 100_000
)

// Run runs the pipeline and returns its result. Zero or one Config may be given.
//
// The first node that fails cancels the context of all others; Run waits for
// those that are running and returns the failure as an [*Error]. When ctx ends,
// nothing more is started, Run waits in the same way, and returns an *Error that
// wraps ctx.Err() unless all nodes had run already. A pipeline with a mistake in
// its definition runs nothing and returns [Pipeline.Err].
//
// A run that is started by the code of a node is a run of its own: only the
// callbacks that its own Config has hear it, and it is in the same trace if one of
// them says so, as those of telemetry do ([callbacks.RunIdentity]). To have the
// inner pipeline in the outer run, add it as a step.
func (p *Pipeline[I, O]) Run(ctx context.Context, in I, cfg ...Config) (O, error) {
	var zero O
	var c Config
	if err := c.take(cfg); err != nil {
		return zero, err
	}
	if p == nil || p.def == nil {
		return zero, p.Err()
	}
	if ctx == nil {
		return zero, errNoContext
	}
	pl, err := p.def.compiled(c.Runner)
	if err != nil {
		return zero, err
	}
	f := pl.frame()
	store(f, pl.ins[0], in)
	if err := execute(ctx, f, &c); err != nil {
		if !f.finished() {
			return zero, err
		}
		return load[O](f, pl.out), err
	}
	out := load[O](f, pl.out)
	f.free()
	return out, nil
}

var errNoContext = errors.New("run: the context is nil; pass context.Background() if there is no other")

// take makes c the only Config of list, if there is one, with its defaults.
func (c *Config) take(list []Config) error {
	switch len(list) {
	case 0:
	case 1:
		*c = list[0]
	default:
		return fmt.Errorf("run: %d Configs were given; give at most one", len(list))
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Runner == (Runner{}) {
		c.Runner = Local()
	}
	return nil
}

// check returns the mistakes in c, joined.
func (c *Config) check() error {
	var errs []error
	for i, cb := range c.Callbacks {
		if cb == nil {
			errs = append(errs, fmt.Errorf("run: Config.Callbacks[%d] is nil; leave it out", i))
		}
	}
	if c.Concurrency < 0 || c.Concurrency > maxConcurrency {
		errs = append(errs, fmt.Errorf("run: Config.Concurrency is %d; give a number from 1 to %d, or 0 for %d",
			c.Concurrency, maxConcurrency, defaultConcurrency))
	}
	return errors.Join(errs...)
}

// definition is a pipeline with its types erased.
type definition struct {
	info    *callbacks.Node
	step    *step
	values  []columnKind
	places  []*place
	names   map[string]int // how often each is used
	in, out int32
	gated   bool // it has a gate
	memory  chunks[place]
	ids     chunks[int32]
	depth   int // how deep other steps are nested in it
	size    int // steps, those of nested pipelines included

	mu     sync.Mutex
	sealed bool // Define has returned
	errs   []error
	plans  map[Runner]*plan
	latest atomic.Pointer[plan] // of plans, to look at without the lock; nil: there are mistakes
}

// result checks the value that build returned.
func (def *definition) result(v handle) int32 {
	owner, id := v.def, v.id
	switch owner {
	case def:
		return id
	case nil:
		def.errorf("the result is the zero Value; return what an Add or Map returned")
	default:
		def.errorf("the result is a value of pipeline %q; return one of this pipeline", owner.info.Name)
	}
	return def.in
}

// err joins the mistakes in the definition and in those inside it.
func (def *definition) err() error {
	def.mu.Lock()
	defer def.mu.Unlock()
	return errors.Join(def.errs...)
}

// adopt takes over the mistakes of a pipeline that is used in this one, once.
func (def *definition) adopt(inner *definition) (clean bool) {
	inner.mu.Lock()
	errs := slices.Clone(inner.errs)
	inner.mu.Unlock()
	def.mu.Lock()
	defer def.mu.Unlock()
	for _, err := range errs {
		if !slices.Contains(def.errs, err) {
			def.errs = append(def.errs, err)
		}
	}
	return len(errs) == 0
}

func (def *definition) compiled(r Runner) (*plan, error) {
	if p := def.latest.Load(); p != nil && p.runner == r {
		return p, nil
	}
	def.mu.Lock()
	defer def.mu.Unlock()
	if len(def.errs) > 0 {
		return nil, errors.Join(def.errs...)
	}
	p := def.plans[r]
	if p == nil {
		p = compile(def, r)
		if def.plans == nil {
			def.plans = map[Runner]*plan{}
		}
		def.plans[r] = p
	}
	def.latest.Store(p)
	return p, nil
}

// isEngine reports whether a function of that name is part of this package.
func isEngine(function string) bool {
	return strings.HasPrefix(function, "github.com/spanloom/spanloom/engine.")
}
