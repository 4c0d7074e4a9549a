// Package jaeger is the backend that sends the spans of runs, and those that a
// program makes by itself, to Jaeger. Metrics and log records of the program are
// not taken: Jaeger stores traces only.
//
// # Config
//
//	backends:
//	  - plugin: jaeger
//	    config:
//	      endpoint: http://127.0.0.1:4317   # the default
//
// Jaeger takes OTLP over gRPC and HTTP since version 1.35. The keys are those of
// the otlp backend, but no OTEL_ variable is read: they are for that one.
//
// # Stability
//
// The config is stable. The Go names are experimental until version 1.
package jaeger
