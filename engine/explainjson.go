package engine

import (
	"encoding/json"
	"time"
)

// MarshalJSON returns an object with these members; what does not apply is left
// out, except parent.
//
//	runner, concurrency, callbacks, cache, runs
//	                  what the Config says; callbacks and stores by their Go types
//	errors            the mistakes
//	steps             a flat list, each step before those inside it:
//	  id              its number in the list
//	  parent          the id of the step that it is inside; null for the pipeline itself
//	  role            "case" of a branch or "body" of a loop
//	  name            unique inside its parent; wiring has none
//	  kind            node, gate, map, branch, loop, pipeline; wiring: collect, field
//	  of              the kind of the step of a map. What is inside that step has
//	                  the map for its parent
//	  in, out         Go types
//	  inputs          where each input comes from: {id, name}; the parent's id, with
//	                  the name "input", stands for the parent's own input
//	  output          of a pipeline: where its result comes from, in the same way
//	  bound           of a loop: the most rounds
//	  continue_on_error
//	  retry           {attempts, delay, max_delay, retryable, from}; 1 attempt: none;
//	                  retryable is true when a function chooses errors
//	  timeout         {duration, from}; "0s": none
//	  cache           {on, version, store, from}
//	  concurrency     {items, from}; 0: as many as the run
//	  runner          {name, from}
//	  callbacks       {types, from}; an empty list: none
//	  same_as         {id, name} of the step whose inside looks the same
//	  left_out        true: what is inside is not shown
//
// Durations are as in "1.5s". From is the {id, name} of the step that said it,
// perhaps the step itself; without an id it is the Config. Members may be added.
func (e *Explanation) MarshalJSON() ([]byte, error) {
	c := e.config
	all := explanationJSON{
		Runner: c.runner, Concurrency: c.concurrency, Callbacks: c.callbacks,
		Cache: c.cache, Runs: c.runs, Errors: e.errs, Steps: make([]stepJSON, len(e.steps)),
	}
	for i := range e.steps {
		all.Steps[i] = e.stepJSON(&e.steps[i])
	}
	return json.Marshal(all)
}

type explanationJSON struct {
	Runner      string     `json:"runner,omitempty"`
	Concurrency int        `json:"concurrency,omitempty"`
	Callbacks   []string   `json:"callbacks,omitempty"`
	Cache       string     `json:"cache,omitempty"`
	Runs        string     `json:"runs,omitempty"`
	Errors      []string   `json:"errors,omitempty"`
	Steps       []stepJSON `json:"steps"`
}

type stepJSON struct {
	ID          int              `json:"id"`
	Parent      *int             `json:"parent"`
	Role        string           `json:"role,omitempty"`
	Name        string           `json:"name,omitempty"`
	Kind        string           `json:"kind"`
	Of          string           `json:"of,omitempty"`
	In          []string         `json:"in,omitempty"`
	Out         string           `json:"out"`
	Inputs      []refJSON        `json:"inputs,omitempty"`
	Output      *refJSON         `json:"output,omitempty"`
	Bound       int              `json:"bound,omitempty"`
	Tolerant    bool             `json:"continue_on_error,omitempty"`
	Retry       *retryJSON       `json:"retry,omitempty"`
	Timeout     *timeoutJSON     `json:"timeout,omitempty"`
	Cache       *cacheJSON       `json:"cache,omitempty"`
	Concurrency *concurrencyJSON `json:"concurrency,omitempty"`
	Runner      *runnerJSON      `json:"runner,omitempty"`
	Callbacks   *callbacksJSON   `json:"callbacks,omitempty"`
	SameAs      *refJSON         `json:"same_as,omitempty"`
	LeftOut     bool             `json:"left_out,omitempty"`
}

type refJSON struct {
	ID   *int   `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

type retryJSON struct {
	Attempts  int     `json:"attempts"`
	Delay     string  `json:"delay"`
	MaxDelay  string  `json:"max_delay"`
	Retryable bool    `json:"retryable"`
	From      refJSON `json:"from"`
}

type timeoutJSON struct {
	Duration string  `json:"duration"`
	From     refJSON `json:"from"`
}

type cacheJSON struct {
	On      bool    `json:"on"`
	Version string  `json:"version,omitempty"`
	Store   string  `json:"store,omitempty"`
	From    refJSON `json:"from"`
}

type concurrencyJSON struct {
	Items int     `json:"items"`
	From  refJSON `json:"from"`
}

type runnerJSON struct {
	Name string  `json:"name"`
	From refJSON `json:"from"`
}

type callbacksJSON struct {
	Types []string `json:"types"`
	From  refJSON  `json:"from"`
}

func (e *Explanation) stepJSON(s *explained) stepJSON {
	j := stepJSON{
		ID: s.id, Role: s.role, Name: s.name, Kind: s.kind, Of: s.of, In: s.in, Out: s.out,
		Bound: s.bound, Tolerant: s.tolerant, LeftOut: s.cut,
	}
	if s.parent >= 0 {
		j.Parent = &s.parent
	}
	for _, id := range s.inputs {
		j.Inputs = append(j.Inputs, *e.input(id, s.parent))
	}
	if s.result >= 0 {
		j.Output = e.input(s.result, s.id)
	}
	if s.same >= 0 {
		j.SameAs = e.ref(s.same)
	}
	from := func(a aspect) refJSON { return *e.ref(s.origin[a]) }
	p := s.policy
	if r := p.retry; r != nil {
		j.Retry = &retryJSON{r.Attempts, r.Delay.String(), r.most().String(), r.Retryable != nil, from(aspectRetry)}
	}
	if p.timeout != nil {
		j.Timeout = &timeoutJSON{max(*p.timeout, time.Duration(0)).String(), from(aspectTimeout)}
	}
	if c := p.cache; c != nil {
		j.Cache = &cacheJSON{On: c.on, Version: c.version, From: from(aspectCache)}
		if c.on {
			j.Cache.Store = e.store(c)
		}
	}
	if p.runner != nil {
		j.Runner = &runnerJSON{p.runner.name, from(aspectRunner)}
	}
	if s.limited {
		j.Concurrency = &concurrencyJSON{s.items, from(aspectConcurrency)}
	}
	if s.callbacks != nil {
		j.Callbacks = &callbacksJSON{s.callbacks, from(aspectCallbacks)}
	}
	return j
}

// input refers to where a value comes from that is used inside parent.
func (e *Explanation) input(id, parent int) *refJSON {
	r := e.ref(id)
	if id == parent {
		r.Name = "input"
	}
	return r
}

func (e *Explanation) ref(id int) *refJSON {
	if id < 0 {
		return &refJSON{Name: e.nameOf(id)}
	}
	return &refJSON{&e.steps[id].id, e.steps[id].name}
}
