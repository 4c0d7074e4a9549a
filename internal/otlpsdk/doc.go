// Package otlpsdk turns requests of the OpenTelemetry Protocol into what exporters of
// the OpenTelemetry SDK take: spans, metric data and log records; and metric data into
// requests.
//
// What the SDK's types cannot hold is left out: the number of attributes that a log
// record or a resource has dropped, and the flags of metric points.
package otlpsdk
