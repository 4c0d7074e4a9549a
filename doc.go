// Package spanloom opens the telemetry of a program: it finds the manifest,
// starts the backends that it names, and gives the engine the callbacks that
// feed them.
//
//	tel, err := spanloom.Open(ctx)
//	if err != nil {
//		return err // the manifest has mistakes: file:line:column of each
//	}
//	defer tel.Shutdown(context.Background())
//
//	out, err := pipeline.Run(ctx, in, engine.Config{Callbacks: tel.Callbacks()})
//
// Pipelines are defined and run with package engine, which does not need this
// one.
//
// # Which manifest
//
// The first of: the one named by [WithManifest], the one named by the
// environment variable SPANLOOM_MANIFEST, ./spanloom.yaml, and the one that the
// program embeds by [WithEmbeddedManifest]. Without any, telemetry goes to the
// console backend when standard error is a terminal, and to the otlp backend
// when OTEL_EXPORTER_OTLP_ENDPOINT is set; to both when both are so.
//
// Over the file lies the one for the mode, if it is there: spanloom.prod.yaml in
// mode prod, which SPANLOOM_MODE or the manifest says. Environment variables
// override some of it and fill gaps; the documentation of package manifest has
// the order, and "spanloom config show" prints what comes out.
//
// Nothing is started when the manifest says telemetry.enabled: false, or when
// OTEL_SDK_DISABLED=true, which wins over all.
//
// # Backends are processes
//
// The backends console, jaeger and otlp are part of every program that imports
// this package: they run in a process of their own, made of the same
// executable. An init function of this package enters that process before main;
// init functions of packages that do not import this one may run in it before,
// with an environment that has little more than what a backend needs.
//
// # Telemetry never fails a run
//
// A backend that is missing, slow or dead changes nothing about a run. What it
// did not receive is counted and told in one line, by [Telemetry.Shutdown].
//
// # Stability
//
// Experimental: names may change until version 1.
package spanloom
