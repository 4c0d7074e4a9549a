package enginetest

import (
	"context"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

var cached = engine.WithCache("v1")

// sealed has a field that JSON leaves out.
type sealed struct{ Public, secret int }

// caches has steps whose results are kept, in runs one after another.
var caches = []func() *Case{
	scene("cache miss, then hit", inputs[int]{1, 1}, func(*stage) *pipeline { return of("p", inc, cached) }),
	scene("cache with other inputs", inputs[int]{1, 2}, func(*stage) *pipeline { return of("p", inc, cached) }),
	scene("cache of a zero value", inputs[int]{-1, -1}, func(*stage) *pipeline { return of("p", inc, cached) }),
	scene("cache in a pipeline that says so", inputs[int]{1, 1}, func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, double, engine.Add(g, inc, n), engine.WithoutCache())
		}, cached)
	}),
	scene("cache of items", inputs[[]int]{{1, 2}, {2, 3}}, func(*stage) *mapper { return over(inc, cached) }),
	scene("cache inside mapped pipelines", inputs[[]int]{{1}, {1, 2}}, func(*stage) *mapper {
		return over[int, int](of("inner", inc, cached))
	}),
	scene("cache of a failure", inputs[int]{1, 1}, func(*stage) *pipeline { return of("p", odd, cached) }, wraps(errBroken)),
	scene("cache of a retried node", inputs[int]{1, 1}, func(*stage) *pipeline { return of("p", flaky, cached, thrice) }),
	scene("cache of failed items", inputs[[]int]{{1, 2}, {1, 2}}, func(*stage) *mapper {
		return over(odd, cached, engine.ContinueOnError())
	}, wraps(errBroken)),
	scene("cache bypass", inputs[int]{1, 1}, func(*stage) *engine.Pipeline[int, sealed] {
		return of("p", node("seal", func(n int) sealed { return sealed{n, n} }), cached)
	}),
}

// parts has callbacks of parts of a pipeline, and another runner for one.
var parts = []func() *Case{
	scene("callbacks of a part", one(3), func(s *stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			n = engine.Add(g, of("other", inc), n, engine.WithCallbacks(s.other))
			return engine.Add(g, double, n)
		})
	}),
	scene("callbacks that are added", one(3), func(s *stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			n = engine.Add(g, of("both", inc), n, engine.AddCallbacks(s.other))
			return engine.Add(g, double, n)
		})
	}),
	scene("callbacks switched off", one(3), func(*stage) *pipeline {
		return engine.Define("p", func(g *graph, n num) num {
			n = engine.Add(g, of("silent", inc), n, engine.WithCallbacks())
			return engine.Add(g, double, n)
		})
	}),
	scene("callbacks of a node", one(3), func(s *stage) *pipeline {
		return of("p", inc, engine.AddCallbacks(s.other))
	}),
	scene("callbacks of a map", one([]int{1, 2}), func(s *stage) *mapper { return over(inc, engine.WithCallbacks(s.other)) }),
	scene("callbacks of mapped pipelines", one([]int{1, 2}), func(s *stage) *mapper {
		return over[int, int](of("inner", inc, engine.AddCallbacks(s.other)))
	}),
	scene("failure where callbacks are others", one(3), func(s *stage) *pipeline {
		return of("p", of("other", fails("broken", errBroken)), engine.WithCallbacks(s.other))
	}, wraps(errBroken)),
	scene("another runner for a part", one([]int{1, 2}), func(*stage) *mapper {
		return over[int, int](of("inner", inc), engine.WithRunner(engine.Sequential()))
	}),
	scene("what a node knows of its place", one([]int{7}), func(*stage) *engine.Pipeline[[]int, []string] {
		where := engine.Node("where", func(ctx context.Context, _ int) (string, error) {
			return callbacks.FromContext(ctx).Path(), nil
		})
		return over[int, string](of("inner", where))
	}),
}
