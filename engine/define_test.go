package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

func exit(*testing.T) error {
	runtime.Goexit()
	return nil
}

type (
	graph = engine.Graph
	num   = engine.Value[int]
)

// TestMistakes holds the texts of the errors of definitions: they are API.
func TestMistakes(t *testing.T) {
	t.Parallel()
	inc := engine.Node("inc", increment)
	var foreign num
	other := engine.Define("other", func(_ *graph, in num) num { foreign = in; return in })
	bad := engine.Define("bad", func(g *graph, in num) num { return engine.Add(g, engine.Node[int, int]("f", nil), in) })
	var self *engine.Pipeline[int, int]
	tests := []struct {
		name  string
		build func(g *graph, in num) num
		want  string
	}{
		{
			"same name twice", func(g *graph, in num) num { return engine.Add(g, inc, engine.Add(g, inc, in)) },
			`define_test.go:N: pipeline "p": node "inc": the name is used twice in this pipeline; give this one another with engine.WithName("inc2")`,
		},
		{"same name three times", func(g *graph, in num) num {
			return engine.Add(g, inc, engine.Add(g, inc, engine.Add(g, inc, in)))
		}, `define_test.go:N: pipeline "p": node "inc": the name is used twice in this pipeline; give this one another with engine.WithName("inc2")
define_test.go:N: pipeline "p": node "inc": the name is used 3 times in this pipeline; give this one another with engine.WithName("inc3")`},
		{"same name, and the next is taken", func(g *graph, in num) num {
			return engine.Add(g, inc, engine.Add(g, inc, engine.Add(g, inc, in, engine.WithName("inc2"))))
		}, `define_test.go:N: pipeline "p": node "inc": the name is used twice in this pipeline; give this one another with engine.WithName("inc3")`},
		{"all mistakes of a pipeline", func(g *graph, in num) num {
			return engine.Add(g, engine.Define("q", func(_ *graph, in num) num { return in },
				engine.WithRetry(engine.Retry{Attempts: -1, Delay: -1, MaxDelay: -1}), engine.WithTimeout(-time.Second), engine.WithConcurrency(-1), engine.WithName("x"), nil), in)
		}, `define_test.go:N: pipeline "q": engine.WithName is for the place where the step is used; give the step its name where it is made
define_test.go:N: pipeline "q": Retry.Attempts is -1; give the number of attempts, the first included, from 1 to 65535
define_test.go:N: pipeline "q": Retry.Delay is -1ns; it cannot be negative
define_test.go:N: pipeline "q": Retry.MaxDelay is -1ns; it cannot be negative
define_test.go:N: pipeline "q": the timeout is -1s; give 0 for none
define_test.go:N: pipeline "q": the concurrency is -1; give a number from 1 to 100000, or 0 for no bound
define_test.go:N: pipeline "q": option 5 of 5 is nil; leave it out`},
		{"all mistakes of a node", func(g *graph, in num) num {
			return engine.Add(g, engine.Node[int, int]("a/b", nil, engine.WithVersion("1"), engine.WithTimeout(-1), engine.AddCallbacks(callbacks.Base{}, nil)), in, nil)
		}, `define_test.go:N: pipeline "p": node "a/b": the name has a character that is not allowed; leave out / [ ] # and what cannot be printed
define_test.go:N: pipeline "p": node "a/b": the function is nil
define_test.go:N: pipeline "p": node "a/b": engine.WithVersion is for pipelines; give it to Define
define_test.go:N: pipeline "p": node "a/b": the timeout is -1ns; give 0 for none
define_test.go:N: pipeline "p": node "a/b": callback 2 of AddCallbacks is nil; leave it out
define_test.go:N: pipeline "p": node "a/b": option 1 of 1 is nil; leave it out`},
		{"a nil option", func(g *graph, in num) num {
			var none engine.Option
			return engine.Add(g, inc, in, none)
		}, `define_test.go:N: pipeline "p": node "inc": option 1 of 1 is nil; leave it out`},
		{"same name by option", func(g *graph, in num) num {
			return engine.Add(g, inc, engine.Add(g, inc, in, engine.WithName("a")), engine.WithName("a"))
		}, `define_test.go:N: pipeline "p": node "a": the name is used twice in this pipeline; give this one another with engine.WithName("a2")`},
		{
			"foreign value", func(g *graph, _ num) num { return engine.Add(g, inc, foreign) },
			`define_test.go:N: pipeline "p": node "inc": input 1 is a value of pipeline "other"; a value can be used only in the pipeline that made it, so pass it in as an input`,
		},
		{
			"foreign result", func(*graph, num) num { return foreign },
			`define_test.go:N: pipeline "p": the result is a value of pipeline "other"; return one of this pipeline`,
		},
		{
			"zero value", func(g *graph, _ num) num { return engine.Add(g, inc, num{}) },
			`define_test.go:N: pipeline "p": node "inc": input 1 is the zero Value; pass what an Add or Map returned`,
		},
		{
			"zero result", func(*graph, num) num { return num{} },
			`define_test.go:N: pipeline "p": the result is the zero Value; return what an Add or Map returned`,
		},
		{
			"nil function", func(g *graph, in num) num { return engine.Add(g, engine.Node[int, int]("f", nil), in) },
			`define_test.go:N: pipeline "p": node "f": the function is nil`,
		},
		{"nil function in a map", func(g *graph, in num) num {
			engine.Map(g, engine.Node[int, int]("f", nil), engine.Collect(g, in))
			return in
		}, `define_test.go:N: pipeline "p": node "f": the function is nil`},
		{
			"nil step", func(g *graph, in num) num { return engine.Add[int, int](g, nil, in) },
			`define_test.go:N: pipeline "p": the step is nil or not defined yet; a pipeline cannot be inside itself`,
		},
		{
			"itself", func(g *graph, in num) num { return engine.Add(g, self, in) },
			`define_test.go:N: pipeline "p": the step is nil or not defined yet; a pipeline cannot be inside itself`,
		},
		{
			"itself, not made", func(g *graph, in num) num { return engine.Add(g, new(engine.Pipeline[int, int]), in) },
			`define_test.go:N: pipeline "p": the step is nil or not defined yet; a pipeline cannot be inside itself`,
		},
		{
			"bad name", func(g *graph, in num) num { return engine.Add(g, engine.Node("a/b", increment), in) },
			`define_test.go:N: pipeline "p": node "a/b": the name has a character that is not allowed; leave out / [ ] # and what cannot be printed`,
		},
		{
			"empty name", func(g *graph, in num) num { return engine.Add(g, inc, in, engine.WithName("")) },
			`define_test.go:N: pipeline "p": node "": the name is empty`,
		},
		{
			"a nested pipeline with a mistake", func(g *graph, in num) num { return engine.Add(g, bad, in) },
			`define_test.go:N: pipeline "bad": node "f": the function is nil`,
		},
		{"the version of a node", func(g *graph, in num) num {
			return engine.Add(g, engine.Node("f", increment, engine.WithVersion("1")), in)
		}, `define_test.go:N: pipeline "p": node "f": engine.WithVersion is for pipelines; give it to Define`},
		{
			"a version where a step is used", func(g *graph, in num) num { return engine.Add(g, inc, in, engine.WithVersion("1")) },
			`define_test.go:N: pipeline "p": node "inc": engine.WithVersion is for the place where a pipeline is made; give it to Define`,
		},
		{"an empty version", func(g *graph, in num) num {
			return engine.Add(g, engine.Define("v", func(_ *graph, in num) num { return in }, engine.WithVersion("")), in)
		}, `define_test.go:N: pipeline "v": the version is empty; leave WithVersion out`},
		{"labels of a node", func(g *graph, in num) num {
			return engine.Add(g, engine.Node("f", increment, engine.WithLabel(strconv.Itoa)), in)
		}, `define_test.go:N: pipeline "p": node "f": engine.WithLabel is for the place of a map; give it to Map`},
		{
			"labels without a map", func(g *graph, in num) num { return engine.Add(g, inc, in, engine.WithLabel(strconv.Itoa)) },
			`define_test.go:N: pipeline "p": node "inc": engine.WithLabel is for maps`,
		},
		{"labels of other items", func(g *graph, in num) num {
			engine.Map(g, inc, engine.Collect(g, in), engine.WithLabel(strconv.Quote))
			return in
		}, `define_test.go:N: pipeline "p": node "inc": the function of engine.WithLabel is a func(string) string; the items of the map ask for a func(int) string`},
		{"nil labels", func(g *graph, in num) num {
			engine.Map(g, inc, engine.Collect(g, in), engine.WithLabel[int](nil))
			return in
		}, `define_test.go:N: pipeline "p": node "inc": the function of WithLabel is nil`},
		{"nil build", nil, `define_test.go:N: pipeline "p": the build function is nil`},
	}
	_ = other
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := engine.Define("p", tt.build)
			err := p.Err()
			if err == nil {
				t.Fatal("no error")
			}
			if got := withoutLines(err.Error()); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			rec := &callbacktest.Recorder{}
			if _, run := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}}); run == nil || run.Error() != err.Error() {
				t.Errorf("Run says %v", run)
			}
			if len(rec.Events()) > 0 {
				t.Error("something ran")
			}
		})
	}
}

// withoutLines replaces line numbers by N.
func withoutLines(s string) string {
	var b strings.Builder
	for i, part := range strings.Split(s, "_test.go:") {
		if i > 0 {
			b.WriteString("_test.go:N")
			part = strings.TrimLeft(part, "0123456789")
		}
		b.WriteString(part)
	}
	return b.String()
}

func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	p := engine.Define("p", func(g *graph, in num) num {
		engine.Add(g, engine.Node[int, int]("f", nil), in)
		return engine.Add(g, engine.Node("", increment), in)
	})
	if got := strings.Count(p.Err().Error(), "\n") + 1; got != 2 {
		t.Errorf("%d mistakes, want 2:\n%v", got, p.Err())
	}
}

func TestAddAfterDefine(t *testing.T) {
	t.Parallel()
	var late *graph
	p := engine.Define("p", func(g *graph, in num) num { late = g; return in })
	engine.Add(late, engine.Node("s", func(context.Context, string) (int, error) { return 1, nil }), engine.Value[string]{})
	engine.Add(late, engine.Node("inc", increment), foreignTo(p))
	want := `pipeline "p": node "inc": it was added after Define had returned; add it in the build function`
	if _, err := p.Run(t.Context(), 1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
}

// foreignTo returns a value of another pipeline than p.
func foreignTo(*engine.Pipeline[int, int]) (v num) {
	engine.Define("other", func(_ *graph, in num) num { v = in; return in })
	return v
}

// TestAMistakeIsToldOnce has a pipeline with a mistake inside many others.
func TestAMistakeIsToldOnce(t *testing.T) {
	t.Parallel()
	p := engine.Define("bad", func(g *graph, in num) num { return engine.Add(g, engine.Node[int, int]("f", nil), in) })
	for range 15 {
		inner := p
		p = engine.Define("p", func(g *graph, in num) num {
			return engine.Add(g, inner, engine.Add(g, inner, in), engine.WithName("again"))
		})
	}
	if got, want := withoutLines(p.Err().Error()), `define_test.go:N: pipeline "bad": node "f": the function is nil`; got != want {
		t.Error(got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"a": true, "größe 1": true, "żółw": true, "a.b-c_d:e": true,
		"": false, " ": false, "a ": false, "a/b": false, "a[0]": false, "a#1": false, "a\nb": false,
		"a\u200bb": false, "a\u202eb": false, "a\u2028b": false, "a\xffb": false, strings.Repeat("x", 201): false,
	} {
		p := engine.Define("p", func(g *graph, in num) num { return engine.Add(g, engine.Node(name, increment), in) })
		if got := p.Err() == nil; got != ok {
			t.Errorf("%q: %v", name, p.Err())
		}
	}
}

func TestPipelineThatWasNotDefined(t *testing.T) {
	t.Parallel()
	want := "the pipeline is nil or was not made by engine.Define"
	if _, err := (*engine.Pipeline[int, int])(nil).Run(t.Context(), 1); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := new(engine.Pipeline[int, int]).Run(t.Context(), 1); err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	p := chain(1)
	_, err := p.Run(t.Context(), 1, engine.Config{Concurrency: -1, Callbacks: []callbacks.PipelineCallback{callbacks.Base{}, nil}})
	if want := "run: Config.Callbacks[1] is nil; leave it out\nrun: Config.Concurrency is -1; give a number from 1 to 100000, or 0 for 64"; err == nil || err.Error() != want {
		t.Error(err)
	}
	_, err = p.Run(t.Context(), 1, engine.Config{}, engine.Config{})
	if want := "run: 2 Configs were given; give at most one"; err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestDeepNesting(t *testing.T) {
	t.Parallel()
	const depth = 999
	p := tower(depth)
	deepest := 0
	got, err := p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{callbacks.Funcs{
		NodeStart: func(cc *callbacks.CallbackContext, _ callbacks.NodeStart) { deepest = cc.Depth(); cc.SpanID() },
	}}})
	if got != 4 || err != nil || deepest != depth {
		t.Error(got, err, deepest)
	}
	want := `explain_hostile_test.go:N: pipeline "p999": node "p998": with it, pipelines, branches and loops are nested 1001 deep; at most 1000 are allowed`
	if err := tower(depth + 2).Err(); err == nil || withoutLines(err.Error()) != want {
		t.Error(err)
	}
	loop := engine.Loop[int]("loop", p, func(context.Context, int) (bool, error) { return true, nil }, 1)
	for range 2 {
		inner := loop
		loop = engine.Loop("loop", inner, func(context.Context, int) (bool, error) { return true, nil }, 1)
	}
	if err := engine.Define("p", func(g *graph, in num) num { return engine.Add(g, loop, in) }).Err(); err == nil {
		t.Error("loops are nested without bound")
	}
}

// TestTooManySteps doubles a pipeline again and again.
func TestTooManySteps(t *testing.T) {
	t.Parallel()
	p := next
	for i := range 60 {
		p = engine.Define(fmt.Sprintf("p%d", i), func(g *graph, in num) num {
			return engine.Add(g, p, engine.Add(g, p, in), engine.WithName("again"))
		})
	}
	want := `define_test.go:N: pipeline "p19": node "again": with it, the pipeline has more than 2000000 steps, those of nested pipelines included; map over a list instead`
	if err := p.Err(); err == nil || withoutLines(err.Error()) != want {
		t.Error(err)
	}
	if _, err := p.Run(t.Context(), 1); err == nil {
		t.Error("it runs")
	}
}

func TestStepsAreValues(t *testing.T) {
	t.Parallel()
	step := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	p := engine.Define("p", func(g *graph, in num) num {
		return engine.Add(g, step, engine.Add(g, step, in), engine.WithName("again"))
	})
	if got, err := p.Run(t.Context(), 0); got != 2 || err != nil {
		t.Error(got, err)
	}
	if step.Name() != "inc" || p.Name() != "p" {
		t.Error(step.Name(), p.Name())
	}
}
