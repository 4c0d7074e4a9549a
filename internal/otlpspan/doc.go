// Package otlpspan encodes spans of the SDK as requests of the OpenTelemetry
// Protocol (opentelemetry/proto/collector/trace/v1), without making messages of them
// first: docs/adr, "Spans are encoded by hand", says why.
//
// What it encodes is what the stock exporter makes of the same spans: tests compare
// the two. Only texts that are not valid UTF-8 differ: they are mended, while the
// stock exporter loses all spans of the request.
package otlpspan
