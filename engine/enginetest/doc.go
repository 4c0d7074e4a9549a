// Package enginetest checks that a runner runs pipelines as the local one does:
// with the same results, errors and events.
//
//	func TestRunner(t *testing.T) {
//		enginetest.Run(t, func(ctx context.Context, c *enginetest.Case, cfg engine.Config) ([]byte, error) {
//			cfg.Runner = engine.Sequential()
//			return c.Run(ctx, cfg)
//		}, enginetest.Parallel)
//	}
//
// # What is compared
//
// Each case is a pipeline with its policies and failures. Its run must give the
// expected result (as JSON) or error (path, item, attempt, type, message), keep
// the rules of [callbacks.PipelineCallback], and call the expected hooks. These
// are shown as a tree with one line for each scope:
//
//	pipeline p: start([1,2]) end(success [2,4])
//	  map double: start(size=2 [1,2]) end(success ok=2 [2,4])
//	    item [0]: start(1) end(success 2)
//	    item [1]: start(2) retry(1 *errors.errorString "broken") end(success attempts=2 4)
//
// A scope is known by its parent, kind, name, index, iteration and attempt. Of
// its hooks are compared: their order, result, error, attempts, counts, what was
// cached or looked up, and all values. Times, ids, the runner's name, delays,
// stacks, places in source files, the borders of emitted chunks and the order of
// sibling scopes are not. Where siblings of a failure run, the case holds them
// until all have begun, so that every run has the same events.
//
// # Stability
//
// Stable to use. Cases may be added.
package enginetest
