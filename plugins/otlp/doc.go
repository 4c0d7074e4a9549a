// Package otlp is the backend that sends the spans of runs, and the spans, metrics
// and log records that a program makes by itself, to an OpenTelemetry collector,
// or to anything else that takes OTLP over gRPC.
//
// # Config
//
//	backends:
//	  - plugin: otlp
//	    config:
//	      endpoint: https://collector.example:4317
//
// Without an endpoint OTEL_EXPORTER_OTLP_TRACES_ENDPOINT counts, then
// OTEL_EXPORTER_OTLP_ENDPOINT, then http://127.0.0.1:4317. Headers, such as the
// key of a hosted service, come from OTEL_EXPORTER_OTLP_HEADERS, and gzip from
// OTEL_EXPORTER_OTLP_COMPRESSION; with TRACES_, METRICS_ or LOGS_ before the last
// word they are for one signal. Proxies are not used.
//
// # Stability
//
// The config is stable. The Go names are experimental until version 1.
package otlp
