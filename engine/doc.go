// Package engine runs typed pipelines of steps.
//
// # Steps and pipelines
//
// A step is a function with a name:
//
//	var Parse = engine.Node("parse", parse) // func(context.Context, string) (File, error)
//
// A pipeline says which step takes the result of which, and is itself a step:
//
//	var Report = engine.Define("report", func(g *engine.Graph, dir engine.Value[string]) engine.Value[string] {
//		names := engine.Add(g, Walk, dir)
//		files := engine.Map(g, Parse, names) // one call per item, in parallel
//		return engine.Add(g, Summarise, files)
//	})
//
// Handles are typed: a step cannot be wired to a value that it does not take,
// and a cycle cannot be written. [Pipeline.Err] tells of the mistakes that the
// compiler cannot see.
//
// # Values
//
// [Add] runs a step on a value, [Map] on every item of a slice, and [Map2] does so
// with a second value for all of them. [Collect], [Field] and [Paired] shape values
// without being steps.
//
// # Running
//
// [Pipeline.Run] runs each step as soon as its inputs are there, in parallel up
// to [Config].Concurrency. The first failure cancels the context of all others
// and is returned as an [*Error] with its path; a panic is a failure too. When
// Run returns, no goroutine of the run is left, except functions that ignored
// their timeout, which [Abandoned] counts.
//
// # Choosing, repeating, stopping
//
// [Branch] runs one of several steps, [Loop] repeats one on its own result, and
// [Gate] stops a pipeline, a map item or the run without failing it. With
// [ContinueOnError] a map runs all its items whatever fails; Run then returns a
// result together with [ItemsError].
//
// # Policies
//
// Options say how a step runs: [WithRetry], [WithTimeout], [WithCache],
// [WithConcurrency], [WithRunner], [WithCallbacks] and [AddCallbacks]. They are
// given where a step is used, where it is made, or to a pipeline around it: the
// nearest word counts, each aspect on its own. On a pipeline an option holds for
// the steps inside; it does not bound the pipeline as a whole.
//
// # Not running again
//
// [WithCache] takes the result of a step from a [cache.Store] if its inputs are
// equal. With [Config].RunID and [Config].Runs a run that ended early goes on where
// it was. Values are kept as JSON, and only if they come back as they were.
//
// # Watching
//
// The engine states every fact of a run through [callbacks.PipelineCallback].
// It knows nothing of telemetry; node code needs no telemetry either. The
// context that a node receives is a [*callbacks.CallbackContext]. With [Emit] a
// node gives out values before its end; [Pipeline.Stream] gives these, and what
// the hooks say, to a loop. With [Metric] it marks values under names, which are
// kept with the run and exported.
//
// [Pipeline.Explain] tells before a run what it would do: the steps, and which
// options hold for each of them, and why.
//
// # Stability
//
// Experimental: names may change until version 1. [Step] is implemented by this
// package only.
package engine
