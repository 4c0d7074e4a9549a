// Package otlpconfig is the config of the backends that speak OTLP: what a
// manifest says, what the environment says where the manifest does not, and the
// mistakes in both, all of them at once.
//
// # Precedence
//
// For each key by itself: the config, then OTEL_EXPORTER_OTLP_TRACES_X, then
// OTEL_EXPORTER_OTLP_X, then the default. A variable that is empty counts as not
// set, and one that is not looked at cannot be wrong. What the variables mean is
// said in
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
//
// # Secrets
//
// Values of headers, of auth and of keys are held as [Secret], which no way of
// printing shows. Messages name keys and variables and never quote a value.
package otlpconfig
