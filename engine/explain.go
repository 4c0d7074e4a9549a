package engine

import (
	"fmt"
	"slices"

	"github.com/spanloom/spanloom/callbacks"
)

// Explanation is what a pipeline would do: its steps, how they are wired, and the
// options that count for each of them, with where they come from. It never
// changes.
//
// A node, a gate, and a map of those, shows all options that apply to it, each
// with the step around that said it, if it was not said of the step itself. What
// contains other steps shows what was said of it, which holds for those inside
// that do not say otherwise; a map also shows its bound. What the Config says
// stands at the top, and is not repeated.
//
// Steps that would look exactly like others are shown once, and so an explanation
// is not larger than what was written. Beyond 50,000 steps, what is inside
// further ones is left out.
type Explanation struct {
	config explainedConfig
	steps  []explained // each before those inside it
	errs   []string
}

// explainedConfig is what holds for the whole run.
type explainedConfig struct {
	runner      string
	concurrency int
	callbacks   []string
	cache, runs string // types; empty: none
}

// explained is one step of an explanation, or a piece of wiring.
type explained struct {
	id, parent int // parent of the first: -1
	role       string
	name       string // of wiring: empty
	kind       string
	wire       bool
	of         string // of a map: the kind of the step
	in         []string
	out        string
	inputs     []int // where they come from; parent: its own input
	result     int   // of a pipeline: the step that gives it; the pipeline: its own input
	bound      int   // of a loop
	tolerant   bool

	policy    policy // what is to be shown
	limited   bool   // items is
	items     int
	callbacks []string
	origin    origin

	parts bool // it has steps inside
	same  int  // the step that has the same inside; -1: none
	cut   bool // those inside are left out
}

// maxExplained is how many steps an explanation has, or little more.
const maxExplained = 50_000

// Explain returns what [Pipeline.Run] would do with the same Config; zero or one
// may be given. It runs nothing. Of a pipeline with mistakes it tells them, and
// what is known besides.
func (p *Pipeline[I, O]) Explain(cfg ...Config) *Explanation {
	var c Config
	err := c.take(cfg)
	if err != nil {
		c = Config{}
		_ = c.take(nil) // the defaults
	}
	if p == nil || p.def == nil {
		e := explain(nil, c, maxExplained)
		e.errs = append(e.errs, p.Err().Error())
		return e
	}
	e := explain(p.def, c, maxExplained)
	if err != nil {
		e.errs = append(e.errs, err.Error())
	}
	return e
}

// explain explains a pipeline with up to that many steps. The mistakes are those
// of the definition.
func explain(def *definition, c Config, limit int) *Explanation {
	e := &Explanation{config: explainedConfig{runner: c.Runner.name, concurrency: c.Concurrency}}
	e.config.cache, e.config.runs = typeName(c.Cache), typeName(c.Runs)
	heard := slices.DeleteFunc(slices.Clone(c.Callbacks), func(cb callbacks.PipelineCallback) bool { return cb == nil })
	e.config.callbacks = typeNames(heard)
	if def == nil {
		return e
	}
	x := &explainer{
		Explanation: e, limit: limit,
		hears: [][]callbacks.PipelineCallback{heard},
		known: map[earsKey]int{}, shown: map[expansion]int{},
	}
	x.step(place{info: def.info, step: def.step}, shape{parent: -1, in: types(def.step.ins), out: def.step.out.typ().String()},
		setting{policy: policy{runner: &c.Runner}, origin: fromConfig})
	def.mu.Lock()
	defer def.mu.Unlock()
	for _, err := range def.errs {
		e.errs = append(e.errs, err.Error())
	}
	return e
}

// typeName returns the type of a part of the Config; empty when there is none.
func typeName(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%T", v)
}

func typeNames(list []callbacks.PipelineCallback) []string {
	names := []string{}
	for _, cb := range list {
		if cb != nil {
			names = append(names, typeName(cb))
		}
	}
	return names
}

func types(kinds []columnKind) []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.typ().String()
	}
	return names
}
