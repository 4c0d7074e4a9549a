package enginetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/engine"
)

type page struct {
	URL   string
	Words []string
	Next  *page `json:",omitempty"`
}

// flow has pipelines without policies or failures.
var flow = []func() *Case{
	scene("chain", one(3), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num { return engine.Add(g, double, engine.Add(g, inc, n)) })
	}),
	scene("diamond", one(3), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add2(g, add, engine.Add(g, inc, n), engine.Add(g, double, n))
		})
	}),
	scene("two nodes at the same time", one(3), func(s *stage) *pipeline {
		meets := func(name string) engine.Step[int, int] {
			return engine.Node(name, func(ctx context.Context, n int) (int, error) { return n, s.meet(ctx, "", 2) })
		}
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add2(g, add, engine.Add(g, meets("a"), n), engine.Add(g, meets("b"), n))
		})
	}, needs(Parallel)),
	scene("a step used twice", one(3), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, inc, engine.Add(g, inc, n), engine.WithName("again"))
		})
	}),
	scene("the input is the result", one(7), func(*stage) *pipeline {
		return engine.Define("p", func(_ *graph, n num) num { return n })
	}),
	scene("a node whose result nobody uses", one(3), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			engine.Add(g, double, n)
			return engine.Add(g, inc, n)
		})
	}),
	scene("no input, three and four", one("x"), func(*stage) *engine.Pipeline[string, string] {
		half := engine.Node0("half", func(context.Context) (float64, error) { return 0.5, nil })
		three := engine.Node3("three", func(_ context.Context, a, b string, c float64) (string, error) { return fmt.Sprint(a, b, c), nil })
		four := engine.Node4("four", func(_ context.Context, a, b string, c float64, d string) (string, error) {
			return fmt.Sprint(a, b, c, d), nil
		})
		return engine.Define("p", func(g *graph, s text) text {
			h := engine.Add0(g, half)
			return engine.Add4(g, four, s, s, h, engine.Add3(g, three, s, s, h))
		})
	}),
	scene("values of many kinds", one(page{URL: "https://example.org/?a=<1>&b=ü", Words: []string{"", "naïve"}}), func(*stage) *engine.Pipeline[page, map[string][]page] {
		return of("p", node("link", func(p page) map[string][]page {
			return map[string][]page{strings.ToUpper(p.URL): {{URL: p.URL, Next: &p}}, "none": nil}
		}))
	}),
	scene("nested", one(3), func(*stage) *pipeline {
		inner := of("inner", of("innermost", double))
		return engine.Define("p", func(g *graph, n num) num { return engine.Add(g, inc, engine.Add(g, inner, n)) })
	}),
	scene("a pipeline used twice", one(3), func(*stage) *pipeline {
		inner := of("inner", double)
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add2(g, add, engine.Add(g, inner, n), engine.Add(g, inner, n, engine.WithName("other")))
		})
	}),
	scene("collect and field", one(engine.Pair[int, int]{First: 3, Second: 4}), func(*stage) *engine.Pipeline[engine.Pair[int, int], int] {
		return engine.Define("p", func(g *graph, in engine.Value[engine.Pair[int, int]]) num {
			a := engine.Field(g, in, func(p engine.Pair[int, int]) int { return p.First })
			b := engine.Field(g, in, func(p engine.Pair[int, int]) int { return p.Second })
			return engine.Add(g, total, engine.Collect(g, a, engine.Add(g, inc, b), a))
		})
	}),
	scene("paired", one(3), func(*stage) *pipeline {
		diff := of("diff", node("minus", func(p engine.Pair[int, int]) int { return p.First - p.Second }))
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add2(g, engine.Paired(diff), engine.Add(g, double, n), n)
		})
	}),
	scene("emit", one("abc"), func(*stage) *engine.Pipeline[string, string] {
		talk := engine.Node("talk", func(ctx context.Context, s string) (string, error) {
			for _, r := range s {
				if !engine.Emit(ctx, string(r)) {
					return "", errBroken
				}
			}
			return strings.ToUpper(s), nil
		})
		return of("p", talk)
	}),
	scene("values that are marked", one(7), func(*stage) *pipeline {
		return of("p", engine.Node("count", func(ctx context.Context, n int) (int, error) {
			engine.Metric(ctx, "rows", float64(n))
			engine.Metric(ctx, "model.loss", 0.5)
			engine.Metric(ctx, "model.loss", 0.25)
			return n, nil
		}))
	}),
}
