// Package telemetry turns the hooks of a run into OpenTelemetry telemetry for
// exporters of the OpenTelemetry SDK, in this process. So far that is spans.
//
// # Use
//
//	exporter, err := otlptracegrpc.New(ctx)
//	…
//	tel := telemetry.NewCallback(telemetry.Exporters{Spans: exporter})
//	defer tel.Shutdown(ctx)
//
//	out, err := pipeline.Run(ctx, in, engine.Config{Callbacks: []callbacks.PipelineCallback{tel}})
//
// A run that is started under a span becomes a child of it, and code inside a
// node finds the node in its context, as package propagation describes.
//
// # What becomes a span
//
// Each run, nested pipeline, node, map and map item becomes one span, for which
// its End hook is enough. Its status is unset on success and Error, with the
// message, on failure. What was cancelled is no error of its own: the span has
// the result "cancellation", status unset and no error.type. A failure is
// recorded once, as an "exception" event of the span where it began.
//
// A step that did not run has no span, and is a "skip" event of the span around
// it; a failed attempt that another followed is a "retry" event. What a gate
// stopped has the result "skip" and status unset. A run that goes on tells so by
// spanloom.run.start.count, and if it has another trace than before, by a link to
// the root span of its first start. These come from earlier hooks than the End:
// when a backend process is started again in between, they are missing.
//
// A run whose identity is not sampled makes no spans: whoever started it has
// decided that for the whole trace.
//
// # Never in the way of a run
//
// A hook builds the span and puts it into a bounded queue; one goroutine
// exports. What does not fit is dropped and counted, and what an exporter
// returns, or panics with, is counted too: see [Callback.Stats]. No
// OpenTelemetry global is set or read.
//
// # Stability
//
// Experimental: names may change until version 1.
package telemetry
