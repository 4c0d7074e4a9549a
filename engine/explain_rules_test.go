package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// effect is what holds for a step.
type effect struct {
	Attempts    int
	Timeout     time.Duration
	Cache       bool
	Concurrency int
	Runner      string
	Callbacks   []string
}

type (
	// ears keep the types of the callbacks that heard of a failure.
	ears struct {
		callbacks.Base
		mu   sync.Mutex
		list []string
	}
	ear0 struct{ *ears }
	ear1 struct{ *ears }
	ear2 struct{ *ears }
	ear3 struct{ *ears }
	ear4 struct{ *ears }
	ear5 struct{ *ears }
)

func (e *ears) hear(cb any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, fmt.Sprintf("%T", cb))
}

func (e ear0) OnError(*callbacks.CallbackContext, callbacks.Failure) { e.hear(e) }
func (e ear1) OnError(*callbacks.CallbackContext, callbacks.Failure) { e.hear(e) }
func (e ear2) OnError(*callbacks.CallbackContext, callbacks.Failure) { e.hear(e) }
func (e ear3) OnError(*callbacks.CallbackContext, callbacks.Failure) { e.hear(e) }
func (e ear4) OnError(*callbacks.CallbackContext, callbacks.Failure) { e.hear(e) }
func (e ear5) OnError(*callbacks.CallbackContext, callbacks.Failure) { e.hear(e) }

// options says something, or nothing, of each aspect at a level.
func options(r *rand.Rand, level int, e *ears, limit bool) (opts []engine.Option) {
	add := func(list ...engine.Option) {
		if r.IntN(2) == 0 {
			opts = append(opts, list[r.IntN(len(list))])
		}
	}
	add(engine.WithRetry(engine.Retry{Attempts: 1}), engine.WithRetry(engine.Retry{Attempts: 2 + level}))
	add(engine.WithTimeout(0), engine.WithTimeout(time.Duration(1+level)*time.Hour))
	add(engine.WithoutCache(), engine.WithCache("v"))
	if limit {
		add(engine.WithConcurrency(0), engine.WithConcurrency(2+level))
	}
	if r.IntN(3) == 0 {
		add(engine.WithRunner(engine.Local()), engine.WithRunner(engine.Sequential()))
	}
	cb := []callbacks.PipelineCallback{ear1{e}, ear2{e}, ear3{e}, ear4{e}, ear5{e}}[level]
	add(engine.WithCallbacks(), engine.WithCallbacks(cb), engine.AddCallbacks(cb))
	return opts
}

// TestExplainTellsWhatHappens says things at random at all places around a step
// that fails, and compares the explanation with the hooks.
func TestExplainTellsWhatHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 0))
		e := &ears{}
		var got effect
		leaf := engine.Node("leaf", func(ctx context.Context, _ int) (int, error) {
			if at, ok := ctx.Deadline(); ok {
				got.Timeout = time.Until(at).Round(time.Hour)
			}
			got.Runner = callbacks.FromContext(ctx).Runner()
			return 0, errors.New("boom")
		}, options(r, 0, e, true)...)
		var around engine.Step[int, int]
		inner := engine.Define("inner", func(g *graph, in num) num {
			if r.IntN(2) == 0 {
				return engine.Add(g, leaf, in, options(r, 1, e, false)...)
			}
			items := engine.Map(g, leaf, engine.Collect(g, in), options(r, 1, e, true)...)
			return engine.Field(g, items, func([]int) int { return 0 })
		}, options(r, 2, e, true)...)
		around = inner
		switch r.IntN(3) {
		case 0:
			around = engine.Branch("b", func(context.Context, int) (engine.Step[int, int], error) { return inner, nil }, inner)
		case 1:
			around = engine.Loop("l", inner, func(context.Context, int) (bool, error) { return true, nil }, 1)
		}
		p := engine.Define("p", func(g *graph, in num) num {
			if r.IntN(2) == 0 {
				return engine.Add(g, around, in, options(r, 3, e, false)...)
			}
			items := engine.Map(g, around, engine.Collect(g, in), options(r, 3, e, true)...)
			return engine.Field(g, items, func([]int) int { return 0 })
		}, options(r, 4, e, true)...)

		rec := struct {
			callbacks.Funcs
			always
		}{Funcs: callbacks.Funcs{
			NodeStart: func(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
				if cc.Name() == "leaf" {
					got.Cache = ev.Cache != nil
				}
			},
			MapItemStart: func(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
				if cc.Name() == "leaf" {
					got.Cache = ev.Cache != nil
				}
			},
			NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
				if cc.Name() == "leaf" {
					got.Attempts = ev.Attempts
				}
			},
			MapItemEnd: func(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
				if cc.Name() == "leaf" {
					got.Attempts = ev.Attempts
				}
			},
			MapEnd: func(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
				if cc.Name() == "leaf" {
					got.Concurrency = ev.Concurrency
				}
			},
		}}
		c := engine.Config{Callbacks: []callbacks.PipelineCallback{rec, ear0{e}}}
		if _, err := p.Run(t.Context(), 1, c); err == nil || !strings.Contains(err.Error(), "boom") {
			t.Fatal(err)
		}
		got.Callbacks = e.list
		ex := p.Explain(c)
		if diff := cmp.Diff(effectOf(t, ex, "leaf"), got); diff != "" {
			t.Fatalf("seed %d: (-explained +happened)\n%s\n%s", seed, diff, ex)
		}
	}
}

// always stays when callbacks are replaced.
type always struct{}

func (always) Pinned() bool { return true }

type explained struct {
	Runner      string
	Concurrency int
	Callbacks   []string
	Errors      []string
	Steps       []struct {
		ID      int
		Parent  *int
		Name    string
		Kind    string
		Retry   *struct{ Attempts int }
		Timeout *struct{ Duration string }
		Cache   *struct{ On bool }
		Runner  *struct{ Name string }

		Concurrency *struct{ Items int }
		Callbacks   *struct{ Types []string }
		SameAs      *struct{ ID int } `json:"same_as"`
		LeftOut     bool              `json:"left_out"`
	}
}

func decode(t *testing.T, e *engine.Explanation) (x explained) {
	t.Helper()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &x); err != nil {
		t.Fatal(err)
	}
	return x
}

// effectOf returns what an explanation says of a step.
func effectOf(t *testing.T, e *engine.Explanation, name string) effect {
	t.Helper()
	x := decode(t, e)
	for _, s := range x.Steps {
		if s.Name != name {
			continue
		}
		is := effect{Attempts: 1, Runner: x.Runner, Callbacks: x.Callbacks}
		if s.Retry != nil {
			is.Attempts = s.Retry.Attempts
		}
		if s.Timeout != nil {
			is.Timeout, _ = time.ParseDuration(s.Timeout.Duration)
		}
		if s.Cache != nil {
			is.Cache = s.Cache.On
		}
		if s.Runner != nil {
			is.Runner = s.Runner.Name
		}
		if s.Kind == "map" {
			is.Concurrency = x.Concurrency
		}
		if s.Concurrency != nil && s.Concurrency.Items > 0 {
			is.Concurrency = s.Concurrency.Items
		}
		if s.Callbacks != nil {
			is.Callbacks = s.Callbacks.Types
		}
		list := is.Callbacks
		is.Callbacks = nil
		for _, c := range list {
			if strings.HasPrefix(c, "engine_test.ear") {
				is.Callbacks = append(is.Callbacks, c)
			}
		}
		return is
	}
	t.Fatalf("there is no step %q in\n%s", name, e)
	return effect{}
}

func TestExplainOfMistakes(t *testing.T) {
	t.Parallel()
	var missing engine.Step[int, int]
	p := engine.Define("p", func(g *graph, in num) num {
		engine.Add(g, missing, in)
		engine.Add(g, engine.Node("", func(context.Context, int) (int, error) { return 0, nil }), in)
		engine.Map(g, missing, engine.Value[[]int]{})
		engine.Add(g, engine.Branch[int, int]("b", nil, nil), in)
		engine.Add(g, engine.Branch("c", func(context.Context, int) (engine.Step[int, int], error) { return half, nil }, nil, half), in)
		engine.Add(g, engine.Loop("l", missing, nil, 0), in)
		return engine.Add(g, half, num{}, engine.WithTimeout(-1))
	})
	for name, e := range map[string]*engine.Explanation{
		"mistakes": p.Explain(),
		"config":   next.Explain(engine.Config{Concurrency: -1}),
		"configs":  next.Explain(engine.Config{}, engine.Config{}),
		"nil":      (*engine.Pipeline[int, int])(nil).Explain(),
		"zero":     (&engine.Pipeline[int, int]{}).Explain(),
	} {
		x := decode(t, e)
		if len(x.Errors) == 0 {
			t.Errorf("%s: no errors", name)
		}
		tree, chart := e.String(), e.Mermaid()
		for _, text := range x.Errors {
			if !strings.Contains(tree, "mistake: "+text+"\n") {
				t.Errorf("%s: the tree lacks %q", name, text)
			}
		}
		if strings.Count(chart, "mistake") != len(x.Errors) {
			t.Errorf("%s: the chart lacks mistakes:\n%s", name, chart)
		}
	}
	if x := decode(t, p.Explain()); len(x.Errors) < 7 || len(x.Steps) < 7 {
		t.Error(p.Explain())
	}
	if e := (&engine.Explanation{}); e.String() == "" || len(decode(t, e).Steps) != 0 || e.Mermaid() != "flowchart TD\n" {
		t.Error(e)
	}
}

func TestExplainWithoutCallbacks(t *testing.T) {
	t.Parallel()
	hooks := 0
	cb := counting{asked: &hooks}
	p := engine.Define("p", func(g *graph, in num) num { return engine.Add(g, half, in, engine.AddCallbacks(cb)) })
	e := p.Explain(engine.Config{Callbacks: []callbacks.PipelineCallback{cb}})
	if hooks != 0 {
		t.Error("a callback was asked what it wants")
	}
	x := decode(t, e)
	if diff := cmp.Diff([]string{"engine_test.counting", "engine_test.counting"}, x.Steps[1].Callbacks.Types); diff != "" || len(x.Callbacks) != 1 {
		t.Error(diff, x.Callbacks)
	}
}

type counting struct {
	callbacks.Base
	asked *int
}

func (c counting) Hooks() callbacks.Hook { *c.asked++; return callbacks.AllHooks }
