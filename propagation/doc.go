// Package propagation carries the identity of a run between Spanloom and the
// tracing world around it.
//
// # Joining OpenTelemetry
//
// [OTel] is for embedding in a callback, or for listing beside others. With it
// a run that is started under an OpenTelemetry span becomes a child of that
// span, and code inside a node finds the node in its context:
//
//	ctx, span := tracer.Start(ctx, "fetch page") // in a node: a child of the node
//
// # What is not recorded here
//
// The span that node code finds has the ids of its node and records nothing:
// attributes that are set on it are lost, and its TracerProvider makes no spans.
// Start spans with a tracer of your own.
//
// # Stability
//
// Experimental: names may change until version 1.
package propagation
