package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// TestACopyIsTheHooksOwn has hooks that change every copy that they can get.
func TestACopyIsTheHooksOwn(t *testing.T) {
	t.Parallel()
	copies := 0
	spoil := func(v callbacks.Values) {
		for i := range v.Len() {
			c, err := v.Copy(i)
			if err != nil {
				t.Error(err)
			}
			copies++
			switch c := c.(type) {
			case []int:
				for i := range c {
					c[i] = -1
				}
			case map[string][]int:
				c["a"][0] = -1
				clear(c)
			}
		}
	}
	spoiler := callbacks.Funcs{
		PipelineStart: func(_ *callbacks.CallbackContext, ev callbacks.PipelineStart) { spoil(ev.Inputs) },
		PipelineEnd:   func(_ *callbacks.CallbackContext, ev callbacks.PipelineEnd) { spoil(ev.Outputs) },
		NodeStart:     func(_ *callbacks.CallbackContext, ev callbacks.NodeStart) { spoil(ev.Inputs) },
		NodeEnd:       func(_ *callbacks.CallbackContext, ev callbacks.NodeEnd) { spoil(ev.Outputs) },
		MapStart:      func(_ *callbacks.CallbackContext, ev callbacks.MapStart) { spoil(ev.Inputs) },
		MapEnd:        func(_ *callbacks.CallbackContext, ev callbacks.MapEnd) { spoil(ev.Outputs) },
		MapItemStart:  func(_ *callbacks.CallbackContext, ev callbacks.MapItemStart) { spoil(ev.Inputs) },
		MapItemEnd:    func(_ *callbacks.CallbackContext, ev callbacks.MapItemEnd) { spoil(ev.Outputs) },
	}
	group := plainNode("group", func(list []int) map[string][]int { return map[string][]int{"a": list, "b": nil} })
	first := plainNode("first", func(m map[string][]int) []int { return m["a"] })
	p := engine.Define("p", func(g *graph, l engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("inc", increment), engine.Add(g, first, engine.Add(g, group, l)))
	})
	got, err := p.Run(t.Context(), []int{1, 2, 3}, engine.Config{Concurrency: 1, Callbacks: []callbacks.PipelineCallback{spoiler}})
	if fmt.Sprint(got) != "[2 3 4]" || err != nil {
		t.Error(got, err)
	}
	if copies != 14 {
		t.Errorf("%d copies", copies)
	}
}

// TestCallbacksShareState has two callbacks that work together in a parallel
// map: one counts in the map's scope what the other notes in the items'.
func TestCallbacksShareState(t *testing.T) {
	t.Parallel()
	note := callbacks.NewKey[string]("note")
	count := callbacks.NewKey[map[string]int]("count")
	writer := callbacks.Funcs{
		PipelineStart: func(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
			if cc.Parent() == nil {
				note.Set(cc, "the run's")
			}
		},
		MapItemStart: func(cc *callbacks.CallbackContext, _ callbacks.MapItemStart) {
			if cc.Index()%2 == 0 {
				note.Set(cc, "the item's")
			}
		},
	}
	var counts map[string]int
	reader := callbacks.Funcs{
		NodeEnd: func(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) {
			text, _ := note.Get(cc) // of the item around, or of the run
			for cc.Kind() != callbacks.KindMap {
				cc = cc.Parent()
			}
			count.Update(cc, func(old map[string]int, ok bool) map[string]int {
				if !ok {
					old = map[string]int{}
				}
				old[text]++
				return old
			})
		},
		MapEnd: func(cc *callbacks.CallbackContext, _ callbacks.MapEnd) { counts, _ = count.Get(cc) },
	}
	inner := engine.Define("inner", func(g *graph, n num) num { return engine.Add(g, engine.Node("inc", increment), n) })
	p := engine.Define("p", func(g *graph, l engine.Value[[]int]) engine.Value[[]int] { return engine.Map(g, inner, l) })
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(t.Context(), make([]int, 1001), listen(writer, reader, rec)); err != nil {
		t.Error(err)
	}
	if counts["the item's"] != 501 || counts["the run's"] != 500 {
		t.Error(counts)
	}
	if _, ok := count.Get(rec.Events()[0].Context); ok {
		t.Error("the run sees what was stored in a scope inside")
	}
}

// TestPathsAreUnique has every kind of step twice, in items and rounds.
func TestPathsAreUnique(t *testing.T) {
	t.Parallel()
	twice := engine.Define("twice", func(g *graph, n num) num {
		n = engine.Add(g, parity, engine.Add(g, parity, n), engine.WithName("parity2"))
		list := engine.Map(g, next, engine.Collect(g, n, n))
		return engine.Add(g, engine.Node("sum", sum), engine.Map(g, parity, list, engine.WithName("parity3")))
	})
	rounds := 0
	loop := engine.Loop("loop", twice, func(_ context.Context, n int) (bool, error) { rounds++; return rounds%2 == 0, nil }, 2)
	p := engine.Define("p", func(g *graph, l engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, loop, l, engine.WithConcurrency(1))
	})
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(t.Context(), []int{1, 2, 3}, listen(rec)); err != nil {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	var nodes []string
	for _, ev := range rec.Events() {
		if ev.Hook == callbacks.HookNodeStart {
			nodes = append(nodes, ev.Context.Path())
		}
	}
	slices.Sort(nodes)
	n := len(nodes)
	if nodes = slices.Compact(nodes); len(nodes) != n || n < 50 {
		t.Errorf("%d of %d paths are unique", len(nodes), n)
	}
}

// plainNode is a node of a function that cannot fail.
func plainNode[I, O any](name string, fn func(I) O) engine.Step[I, O] {
	return engine.Node(name, func(_ context.Context, in I) (O, error) { return fn(in), nil })
}
