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
// A node or item that was tried more than once has a span for each attempt, under
// its own: what failed there is an error of the attempt only. These come from
// earlier hooks than the End, as do inputs that are captured, the "skip" event by
// which the span around tells of a step that did not run, and what a run continues:
// spanloom.run.start.count and, if it has another trace than before, a link to the
// root span of its first start. When a backend process is started again in
// between, they are missing.
//
// # For node code
//
// What code records on the [Current] span joins that of its node. [Span] and [Traced]
// open spans below it, and [RecordError] says all of an error. They find everything in
// the context: no global is asked, and outside of a run they do nothing.
//
//	telemetry.Current(ctx).SetAttributes(attribute.Int("rows", n))
//	ctx, span := telemetry.Span(ctx, "read page")
//	defer span.End()
//
// # Less than everything
//
// [Sampler] decides once for each run whether it has spans; one that has none costs
// next to nothing. [Fanout] bounds the spans of large maps, keeps those that matter
// and says on the map what is left out. Capture keeps inputs and outputs, as text
// that package privacy makes.
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
