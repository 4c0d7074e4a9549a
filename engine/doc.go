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
// # Running
//
// [Pipeline.Run] runs each step as soon as its inputs are there, in parallel up
// to [Config].Concurrency. The first failure cancels the context of all others
// and is returned as an [*Error] with its path; a panic is a failure too. When
// Run returns, no goroutine of the run is left.
//
// # Watching
//
// The engine states every fact of a run through [callbacks.PipelineCallback].
// It knows nothing of telemetry; node code needs no telemetry either. The
// context that a node receives is a [*callbacks.CallbackContext].
// [Pipeline.Stream] gives the same facts, and what nodes [Emit], to a loop.
//
// [Pipeline.Explain] tells before a run what it would do: the steps, and which
// options hold for each of them, and why.
//
// # Stability
//
// Experimental: names may change until version 1. [Step] is implemented by this
// package only.
package engine
