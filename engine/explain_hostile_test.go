package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// label is a line of a flowchart that may have text of users.
var (
	label = regexp.MustCompile(`^ *(subgraph )?[ne]\d+[io]? ?(\["|\[\["|\(\["|\{")([^"]*)("\]|"\]\]|"\]\)|"\})$`)
	other = regexp.MustCompile(`^( *end|  n\d+[io]? (-->|-\.->) n\d+[io]?|flowchart TD)$`)
)

// check tells whether every line of a flowchart is one that Explain means, and
// whether subgraphs end.
func check(t *testing.T, chart string) {
	t.Helper()
	open := 0
	for line := range strings.Lines(chart) {
		line = strings.TrimSuffix(line, "\n")
		switch m := label.FindStringSubmatch(line); {
		case m != nil:
			if text := strings.ReplaceAll(m[3], "<br/>", ""); strings.ContainsAny(text, "<>[]{}|`:%&\\") || strings.Contains(text, "\n") {
				t.Errorf("the label %q is not escaped", text)
			}
			if m[1] != "" {
				open++
			}
		case !other.MatchString(line):
			t.Errorf("unknown line %q", line)
		case strings.TrimSpace(line) == "end":
			open--
		}
	}
	if open != 0 {
		t.Errorf("%d subgraphs are open", open)
	}
}

func TestExplainEscapesNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		`a"b`, "end", "graph", "subgraph x", "a]b", `"]; click n0 "javascript:alert(1)`, "<script>alert(1)</script>", "a<br/>b", "`x`",
		"%% comment", "a|b", "a;b", "a:::b", "style x fill:#f00", "1. list", "- list", "#quot;", "&lt;", "{x}", "(x)", `\`, "💥", "ümlaut", "o--o", "x-->y",
	} {
		inner := engine.Define("in "+strings.NewReplacer("/", "", "[", "", "]", "", "#", "").Replace(name), func(g *graph, in num) num { return engine.Add(g, half, in) })
		p := engine.Define(name, func(g *graph, in num) num {
			return engine.Add(g, half, engine.Add(g, inner, in), engine.WithName(name), engine.WithCache(name))
		})
		e := p.Explain()
		check(t, e.Mermaid())
		if !strings.Contains(e.String(), name) {
			t.Errorf("the tree lacks %q", name)
		}
		if x := decode(t, e); x.Steps[0].Name != name {
			t.Errorf("%q became %q", name, x.Steps[0].Name)
		}
	}
	check(t, daily().Explain().Mermaid())
	unseen := engine.Define("a\nb\x1b[31m", func(_ *graph, in num) num { return in })
	if e := unseen.Explain(); strings.ContainsRune(e.String(), 0x1b) || strings.Count(e.String(), "\n") != 3 {
		t.Errorf("%q", e.String())
	}
	check(t, unseen.Explain().Mermaid())
}

// tower nests pipelines in each other.
func tower(depth int, opts ...engine.Option) *engine.Pipeline[int, int] {
	p := next
	for i := range depth {
		p = engine.Define(fmt.Sprintf("p%d", i), func(g *graph, in num) num { return engine.Add(g, p, in, opts...) })
	}
	return p
}

// wide has pipelines beside each other.
func wide(pipelines int, opts ...engine.Option) *engine.Pipeline[int, int] {
	return engine.Define("wide", func(g *graph, in num) num {
		for i := range pipelines {
			engine.Add(g, next, in, append(opts, engine.WithName(fmt.Sprintf("p%d", i)))...)
		}
		return in
	})
}

func TestExplainOfDeepNesting(t *testing.T) {
	t.Parallel()
	const depth = 999
	began := time.Now()
	e := tower(depth).Explain()
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{"tree": len(e.String()), "JSON": len(data), "chart": len(e.Mermaid())} {
		if n < depth*10 || n > depth*500 {
			t.Errorf("the %s has %d bytes", what, n)
		}
	}
	if x := decode(t, e); len(x.Steps) != depth+2 {
		t.Error(len(x.Steps))
	}
	if !strings.Contains(e.String(), fmt.Sprintf("  (%d) triple  node", depth+1)) {
		t.Error("the deepest step is missing")
	}
	check(t, e.Mermaid())
	if took := time.Since(began); took > 10*time.Second {
		t.Error("it took", took)
	}
}

// TestExplainOfRepetition has pipelines that would be 2^60 steps, and of which
// the engine makes a plan of bodies that are shared.
func TestExplainOfRepetition(t *testing.T) {
	t.Parallel()
	for name, twice := range map[string]func(g *graph, s engine.Step[int, int], in num) num{
		"plain": func(g *graph, s engine.Step[int, int], in num) num {
			return engine.Add(g, s, engine.Add(g, s, in), engine.WithName("again"))
		},
		"options": func(g *graph, s engine.Step[int, int], in num) num {
			a := engine.Add(g, s, in, engine.WithTimeout(time.Hour), engine.WithName("a"))
			return engine.Add(g, s, a, engine.WithTimeout(time.Minute), engine.WithName("b"))
		},
	} {
		p := next
		for i := range 60 {
			p = engine.Define(fmt.Sprintf("p%d", i), func(g *graph, in num) num { return twice(g, p, in) })
		}
		e := p.Explain()
		if x := decode(t, e); len(x.Steps) > 1000 {
			t.Errorf("%s: %d steps", name, len(x.Steps))
		}
		if !strings.Contains(e.String(), "(inside as in …/") {
			t.Errorf("%s: nothing is said to be the same", name)
		}
		check(t, e.Mermaid())
	}
}

// TestExplainLeavesOut has callbacks that differ wherever a pipeline is used, so
// that no two places are the same.
func TestExplainLeavesOut(t *testing.T) {
	t.Parallel()
	p := next
	for i := range 60 {
		p = engine.Define(fmt.Sprintf("p%d", i), func(g *graph, in num) num {
			a := engine.Add(g, p, in, engine.AddCallbacks())
			return engine.Add(g, p, a, engine.AddCallbacks(), engine.WithName("b"))
		})
	}
	x := decode(t, p.Explain())
	cut := 0
	for _, s := range x.Steps {
		if s.LeftOut {
			cut++
		}
	}
	if len(x.Steps) > 60_000 || cut == 0 {
		t.Errorf("%d steps, %d without what is inside", len(x.Steps), cut)
	}
	check(t, p.Explain().Mermaid())
}

// header is a runs.Store that keeps the header only.
type header struct{ runs.Header }

func (h *header) Open(_ context.Context, header runs.Header, _ func(runs.Header) error) (runs.Log, error) {
	h.Header = header
	return forgetful{}, nil
}

// forgetful is a log that forgets.
type forgetful struct{}

func (forgetful) First() (runs.Header, int) { return runs.Header{}, 0 }
func (forgetful) Finished(string, string) (runs.Record, bool, error) {
	return runs.Record{}, false, nil
}
func (forgetful) Append(runs.Record) error             { return nil }
func (forgetful) Begin(runs.Scope) error               { return nil }
func (forgetful) Done(string) error                    { return nil }
func (forgetful) Crashes(context.Context) []runs.Crash { return nil }
func (forgetful) Close(string, string) error           { return nil }

func TestTheConfigurationIsKeptWithTheRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		p      *engine.Pipeline[int, int]
		record any
		want   string
		steps  int
	}{
		"record":  {next, map[string]int{"a": 1}, `{"a":1}`, 2},
		"without": {next, nil, "", 2},
		"large":   {wide(6000, engine.WithTimeout(time.Hour)), nil, "", 1},
	} {
		h := &header{}
		c := engine.Config{Runs: h, Record: test.record, Concurrency: 3}
		if _, err := test.p.Run(t.Context(), 1, c); err != nil {
			t.Fatal(name, err)
		}
		var kept struct {
			Pipeline explained
			Record   json.RawMessage
		}
		if err := json.Unmarshal(h.Config, &kept); err != nil {
			t.Fatal(name, err)
		}
		if string(kept.Record) != test.want || len(kept.Pipeline.Steps) != test.steps || kept.Pipeline.Concurrency != 3 || len(h.Config) > 2<<20 {
			t.Errorf("%s: %d bytes, %d steps, record %s", name, len(h.Config), len(kept.Pipeline.Steps), kept.Record)
		}
	}
	_, err := next.Run(t.Context(), 1, engine.Config{Runs: &header{}, Record: func() {}})
	if err == nil || !strings.Contains(err.Error(), "Config.Record") {
		t.Error(err)
	}
}
