// Package otlpredact hides secrets in requests of the OpenTelemetry Protocol.
//
// What node code makes with OpenTelemetry is no longer a span or an instrument when
// it leaves the program: a request is the one form that all of it takes, whatever
// provider made it. Most have no secret, and are looked at without being copied.
package otlpredact
