// Package otlptrace is what the backends that speak OTLP share: an instance that
// makes spans of hooks and exports them as package otlpconfig says, through
// package otlpclient.
//
// # Batches
//
// The host sends events in batches, each of which is flushed and then
// acknowledged. Flushes are kept apart by the linger of the config: while one
// waits, or is under way, the host gathers what comes next. Each is sent in
// requests of at most the batch's size. What the queue cannot hold is dropped and
// told with the next flush.
package otlptrace
