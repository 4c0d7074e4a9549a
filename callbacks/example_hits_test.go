package callbacks_test

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// hitRate is how often the nodes of a pipeline were found in the cache.
type hitRate struct{ hits, lookups int }

var hitRates = callbacks.NewKey[hitRate]("hit rate")

// cacheHits prints a line for each pipeline, nested ones too. One value of it
// serves any number of runs at once: what it counts is kept in the run.
func cacheHits(out io.Writer) callbacks.PipelineCallback {
	add := func(cc *callbacks.CallbackContext, hits int) {
		hitRates.Update(cc.Pipeline(), func(r hitRate, _ bool) hitRate {
			return hitRate{r.hits + hits, r.lookups + 1}
		})
	}
	return callbacks.Funcs{
		// Its own counter for each pipeline: Get would find that of the pipeline around.
		PipelineStart: func(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
			hitRates.Set(cc, hitRate{})
		},
		NodeCached: func(cc *callbacks.CallbackContext, _ callbacks.NodeCached) { add(cc, 1) },
		NodeStart: func(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
			if ev.Cache != nil && !ev.Cache.Bypass {
				add(cc, 0)
			}
		},
		PipelineEnd: func(cc *callbacks.CallbackContext, _ callbacks.PipelineEnd) {
			r, _ := hitRates.Get(cc)
			fmt.Fprintf(out, "%s: %d of %d from the cache\n", cc.Path(), r.hits, r.lookups)
		},
	}
}

func ExampleKey() {
	store, err := memory.New(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, half, engine.Add(g, triple, n))
	})
	outer := engine.Define("outer", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, triple, engine.Add(g, inner, n))
	}, engine.WithCache("v1")) // for every step inside

	cfg := engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{cacheHits(os.Stdout)}}
	for range 2 {
		if _, err := outer.Run(context.Background(), 5, cfg); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// outer/inner: 0 of 2 from the cache
	// outer: 0 of 1 from the cache
	// outer/inner: 2 of 2 from the cache
	// outer: 1 of 1 from the cache
}
