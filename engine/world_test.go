package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// world makes random pipelines, each with a model: a plain function that gives
// the same result.
type world struct {
	rng    *rand.Rand
	names  int
	faults bool // nodes fail for good
	calls  atomic.Int64
	cancel func()
	at     int64               // cancel at this call
	needs  map[string][]string // node name -> names of the nodes whose output it takes
	silent map[string]bool     // steps that are heard by others
	others []*callbacktest.Recorder
	unsure bool // the model does not say how the run ends

	// What bounds the run: how often a step that is made now would run, and how
	// many runs of steps there are.
	times, size int
}

// fate is what becomes of a value.
type fate uint8

const (
	there   fate = iota
	missing      // a gate stopped what makes it
	stopped      // a gate stops the pipeline, or the item of a map, that it is in
)

// model says what a step gives, when nothing fails for good.
type model func(int) (int, fate)

func plain(f func(int) int) model { return func(n int) (int, fate) { return f(n), there } }

var errBroken = errors.New("broken")

// maxSize is about how many steps a run has.
const maxSize = 250

// between returns a number from lo to hi.
func (w *world) between(lo, hi int) int { return lo + w.rng.IntN(hi-lo+1) }

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

func (w *world) name(kind string) string {
	w.names++
	return fmt.Sprintf("%s%d", kind, w.names)
}

// repeated makes steps that run n times as often.
func (w *world) repeated(n int, steps func()) {
	before := w.times
	w.times *= n
	steps()
	w.times = before
}

// fault returns what a node does besides its work, and the options that make
// that harmless unless the world has faults. Without them it must not wait.
func (w *world) fault(options bool) (func(context.Context) error, []engine.Option) {
	w.size += w.times
	kind := 0
	if w.faults {
		kind = w.between(0, 60)
	}
	until := 1 // the attempt that succeeds
	var opts []engine.Option
	if w.chance(8) {
		until = w.between(1, 3)
		r := engine.Retry{Attempts: w.between(until, 4)}
		if w.chance(2) {
			r.Delay = 20 * time.Microsecond
		}
		opts = append(opts, engine.WithRetry(r))
	}
	slow := options && kind == 5 && w.chance(8)
	switch {
	case slow:
		opts = append(opts, engine.WithTimeout(time.Millisecond))
	case w.chance(12):
		opts = append(opts, engine.WithTimeout(time.Hour))
	}
	if w.chance(6) {
		opts = append(opts, engine.WithCache("v1"))
	}
	emits := w.chance(10)
	return func(ctx context.Context) error {
		if w.calls.Add(1) == w.at {
			w.cancel()
		}
		if emits {
			engine.Emit(ctx, "chunk")
			engine.Metric(ctx, "chunks", 1)
		}
		cc := callbacks.FromContext(ctx)
		switch {
		case cc == nil:
			return errors.New("the context does not come from a run")
		case cc.Attempt() < until:
			return errBroken
		case slow:
			<-ctx.Done()
			return ctx.Err()
		}
		switch kind {
		case 1:
			return errBroken
		case 2:
			panic("broken")
		case 3:
			panic(errBroken)
		case 4:
			runtime.Goexit()
		}
		return nil
	}, opts
}

// step makes a random step, in which pipelines are nested to the given depth at
// most.
func (w *world) step(depth int) (engine.Step[int, int], model) {
	kind := w.between(0, 15)
	if depth == 0 || w.size+10*w.times > maxSize {
		kind = max(kind, 8)
	}
	switch {
	case kind < 6:
		return w.pipeline(depth - 1)
	case kind == 6:
		return w.branch(depth - 1)
	case kind == 7:
		return w.loop(depth - 1)
	case kind == 8:
		return w.gate()
	default:
		return w.node()
	}
}

func (w *world) node() (engine.Step[int, int], model) {
	k := w.between(-3, 3)
	fault, opts := w.fault(true)
	return engine.Node(w.name("node"), func(ctx context.Context, n int) (int, error) {
		return n*3 + k, fault(ctx)
	}, opts...), plain(func(n int) int { return n*3 + k })
}

func (w *world) gate() (engine.Step[int, int], model) {
	every := w.between(2, 9)
	stop := engine.StopPipeline
	if w.faults && w.chance(4) {
		stop = engine.StopRun
	}
	fault, opts := w.fault(true)
	return engine.Gate(w.name("gate"), func(ctx context.Context, n int) (engine.Decision, error) {
			if n%every == 0 {
				return stop, fault(ctx)
			}
			return engine.Pass, fault(ctx)
		}, opts...), func(n int) (int, fate) {
			if n%every == 0 {
				return 0, stopped
			}
			return n, there
		}
}

func (w *world) branch(depth int) (engine.Step[int, int], model) {
	steps := make([]engine.Step[int, int], w.between(1, 3))
	models := make([]model, len(steps))
	for i := range steps {
		steps[i], models[i] = w.step(depth)
	}
	choice := func(n int) int { return max(n, -n) % len(steps) }
	fault, _ := w.fault(false)
	return engine.Branch(w.name("branch"), func(ctx context.Context, n int) (engine.Step[int, int], error) {
		if err := fault(ctx); w.faults && err != nil { // a choice is not tried again
			return nil, err
		}
		return steps[choice(n)], nil
	}, steps...), func(n int) (int, fate) { return models[choice(n)](n) }
}

func (w *world) loop(depth int) (engine.Step[int, int], model) {
	rounds := w.between(2, 5)
	var body engine.Step[int, int]
	var inside model
	w.repeated(rounds, func() { body, inside = w.step(depth) })
	fault, _ := w.fault(false)
	done := func(n int) bool { return n%3 != 0 }
	until := func(ctx context.Context, n int) (bool, error) {
		if err := fault(ctx); w.faults && err != nil {
			return false, err
		}
		return done(n), nil
	}
	return engine.Loop(w.name("loop"), body, until, rounds), func(n int) (int, fate) {
		for range rounds {
			var f fate
			if n, f = inside(n); f != there {
				return 0, f
			}
			if done(n) {
				return n, there
			}
		}
		w.unsure = true // it fails, unless a gate stops it first
		return 0, there
	}
}

// saying returns options for a place of a step, or a pipeline.
func (w *world) saying() (opts []engine.Option, unheard bool) {
	if w.chance(6) {
		opts = append(opts, engine.WithConcurrency(w.between(1, 3)))
	}
	if w.chance(12) {
		opts = append(opts, engine.WithRetry(engine.Retry{Attempts: w.between(3, 4)}))
	}
	if w.chance(12) {
		opts = append(opts, engine.WithCache("v1"))
	}
	switch w.between(0, 40) {
	case 0:
		opts = append(opts, engine.WithCallbacks(w.another()))
		unheard = true
	case 1:
		opts = append(opts, engine.AddCallbacks(w.another()))
	case 2:
		opts = append(opts, engine.WithCallbacks())
		unheard = true
	case 3:
		opts = append(opts, engine.WithRunner(engine.Sequential()))
	case 4:
		opts = append(opts, engine.WithRunner(engine.Local()))
	case 5:
		opts = append(opts, engine.WithoutCache())
	}
	return opts, unheard
}

// another returns a new callback. One that is added twice would hear twice.
func (w *world) another() callbacks.PipelineCallback {
	rec := &callbacktest.Recorder{}
	w.others = append(w.others, rec)
	return rec
}

// known is a value of a pipeline.
type known struct {
	value engine.Value[int]
	node  string // whose output it is
}

// body makes the places of one pipeline.
type body struct {
	*world
	g     *engine.Graph
	depth int
	list  []known
	makes []func(values []int, fates []fate) (int, fate)
}

func (w *world) pipeline(depth int) (*engine.Pipeline[int, int], model) {
	b := &body{world: w, depth: depth}
	last, places := 0, w.between(2, 8)
	if w.chance(8) {
		places = w.between(0, 1)
	}
	opts, unheard := w.saying()
	name := w.name("pipe")
	w.silent[name] = unheard
	p := engine.Define(name, func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		b.g, b.list = g, []known{{in, ""}}
		b.makes = append(b.makes, nil)
		for range places {
			if w.size+w.times > maxSize {
				break
			}
			b.place()
		}
		last = w.between(0, len(b.list)-1)
		return b.list[last].value
	}, opts...)
	return p, func(n int) (int, fate) { return b.run(n, last) }
}

// run is the model of the pipeline.
func (b *body) run(n, last int) (int, fate) {
	values, fates := make([]int, len(b.list)), make([]fate, len(b.list))
	values[0] = n
	end := there
	for i := 1; i < len(b.list); i++ {
		values[i], fates[i] = b.makes[i](values, fates)
		if fates[i] == stopped {
			end = missing
		}
	}
	if end != there {
		return 0, end
	}
	return values[last], fates[last]
}

func (b *body) pick() int { return b.between(0, len(b.list)-1) }

// add adds a place that needs others.
func (b *body) add(k known, needs []int, f func(values []int) (int, fate)) {
	for _, i := range needs {
		if k.node != "" {
			b.needs[k.node] = append(b.needs[k.node], b.list[i].node)
		}
	}
	b.list = append(b.list, k)
	b.makes = append(b.makes, func(values []int, fates []fate) (int, fate) {
		for _, i := range needs {
			if fates[i] != there {
				return 0, missing
			}
		}
		return f(values)
	})
}

func (b *body) place() {
	x, y := b.pick(), b.pick()
	switch b.between(0, 4) {
	case 0:
		fault, opts := b.fault(true)
		name := b.name("add")
		s := engine.Node2(name, func(ctx context.Context, x, y int) (int, error) { return x - y, fault(ctx) }, opts...)
		b.add(known{engine.Add2(b.g, s, b.list[x].value, b.list[y].value), name}, []int{x, y}, func(v []int) (int, fate) {
			return v[x] - v[y], there
		})
	case 1, 2:
		s, m := b.step(b.depth)
		opts, unheard := b.saying()
		name := s.Name()
		if unheard || b.silent[name] {
			name = ""
		}
		b.add(known{engine.Add(b.g, s, b.list[x].value, opts...), name}, []int{x}, func(v []int) (int, fate) { return m(v[x]) })
	case 3:
		b.mapping(x, y)
	default:
		name := b.name("total")
		v := engine.Add(b.g, engine.Node(name, sum), engine.Collect(b.g, b.list[x].value, b.list[y].value, b.list[x].value))
		b.add(known{v, name}, []int{x, y}, func(v []int) (int, fate) { return 2*v[x] + v[y], there })
	}
}

// mapping adds a map between two nodes: one that makes the items, and one that
// makes one value of them.
func (b *body) mapping(x, y int) {
	size := b.between(0, 5)
	spread, total := b.name("spread"), b.name("sum")
	items := engine.Add(b.g, engine.Node(spread, func(_ context.Context, n int) ([]int, error) {
		list := make([]int, size)
		for i := range list {
			list[i] = n + i/2 // equal ones too
		}
		return list, nil
	}), b.list[x].value)
	opts, unheard := b.saying()
	if b.chance(4) {
		opts = append(opts, engine.ContinueOnError())
	}
	var out engine.Value[[]int]
	var each func(n, with int) (int, fate)
	var name string
	needs := []int{x}
	if b.chance(4) {
		var fault func(context.Context) error
		var said []engine.Option
		b.repeated(max(size, 1), func() { fault, said = b.fault(true) })
		name = b.name("with")
		out = engine.Map2(b.g, engine.Node2(name, func(ctx context.Context, n, with int) (int, error) {
			return n - with, fault(ctx)
		}, said...), items, b.list[y].value, opts...)
		each = func(n, with int) (int, fate) { return n - with, there }
		needs = append(needs, y)
	} else {
		var s engine.Step[int, int]
		var m model
		b.repeated(max(size, 1), func() { s, m = b.step(b.depth) })
		name = s.Name()
		out = engine.Map(b.g, s, items, opts...)
		each = func(n, _ int) (int, fate) { return m(n) }
	}
	if !unheard && !b.silent[name] {
		b.needs[spread] = []string{b.list[x].node}
		b.needs[name] = append(b.needs[name], spread)
		b.needs[total] = append(b.needs[total], name)
	}
	b.add(known{engine.Add(b.g, engine.Node(total, sum), out), total}, needs, func(v []int) (int, fate) {
		t := 0
		for i := range size {
			if n, f := each(v[x]+i/2, v[y]); f == there {
				t += n
			}
		}
		return t, there
	})
}
