// Package semconvtest holds the registry in docs/semconv to the code. The registry
// lists every name that Spanloom emits, in the groups of OpenTelemetry's tool Weaver.
// The tests of the packages that emit the names make the groups of their own tables,
// and the page docs/signals.md is made of the registry.
package semconvtest
