// Package metrics counts and measures what happens in runs, and lets the code of
// nodes measure too.
//
// # Use
//
//	exporter, err := otlpmetricgrpc.New(ctx)
//	…
//	m, err := metrics.New(metrics.Config{Exporters: []sdkmetric.Exporter{exporter}})
//	…
//	defer m.Shutdown(ctx)
//
//	out, err := pipeline.Run(ctx, in, engine.Config{Callbacks: []callbacks.PipelineCallback{m}})
//
// A program that has a MeterProvider of its own gives the callback to a reader of
// that, as a producer:
//
//	m, err := metrics.New(metrics.Config{})
//	…
//	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(m))
//
// # What is measured
//
// docs/metrics.md has the table of all instruments, with queries for rates. All
// are cumulative. They count everything, whether a run is sampled or not, and
// whatever a backend drops, because they are counted in the process that runs.
//
// spanloom.pipeline.name is the innermost pipeline around a step. A nested
// pipeline is measured as a pipeline too, under its own name and with
// spanloom.pipeline.nested=true. A map is a node, and so is a branch or a loop.
// What was found in a cache, or in an earlier start of the run, took no time: it
// counts with a duration of 0, as its span does, and spanloom.cache.result=hit.
//
// # Series
//
// An instrument has 2,000 series at most. What comes after the first 1,999 is
// counted in the one with otel.metric.overflow=true, so that names which come from
// outside cannot fill the memory. Run ids, indexes and paths are in no series:
// exemplars lead from a bucket to a span of a sampled run.
//
// # Measuring in node code
//
// [FromContext] finds a [Recorder] in the context of a node. Its instruments are
// those of OpenTelemetry, with errors in place of surprises.
//
// # Cost
//
// A node costs a few tens of nanoseconds and no allocation. Each series is kept in
// several shards, and a worker of the engine uses mostly one; a collection adds
// them up. What a node that succeeds without a cache touches of all of its series
// is on one cache line for each shard, and changes by three atomic operations.
// Nothing is locked for what succeeds, except when its series is new, and once in
// half a million nodes when counts move to where there is more room; a failure looks
// its series up under a lock that readers share.
//
// # Stability
//
// Experimental: names may change until version 1. No OpenTelemetry global is set
// or read.
package metrics
