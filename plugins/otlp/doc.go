// Package otlp is the backend that sends the spans of runs, and the spans, metrics
// and log records that a program makes by itself, to an OpenTelemetry collector,
// or to anything else that takes OTLP over gRPC or HTTP.
//
// # Config
//
//	backends:
//	  - plugin: otlp
//	    config:
//	      endpoint: https://collector.example:4317
//	      auth:
//	        bearer: ${env:TOKEN}
//
// All keys are in docs/manifest.md and, with their types, in the schema of the
// backend. For each key by itself the config counts first, then
// OTEL_EXPORTER_OTLP_TRACES_X, then OTEL_EXPORTER_OTLP_X, then the default. The
// variables are ENDPOINT, PROTOCOL, HEADERS, COMPRESSION, TIMEOUT, CERTIFICATE,
// CLIENT_CERTIFICATE, CLIENT_KEY and INSECURE, with the meaning that the
// OpenTelemetry specification gives them. A mistake in one is an error that names
// it and does not show its value.
//
// # Security
//
// An endpoint without a scheme is TLS unless it is this machine. Keys are not
// sent in plain text to another machine, redirects are not followed, and proxies
// are not used.
//
// # Stability
//
// The config is stable. The Go names are experimental until version 1.
package otlp
