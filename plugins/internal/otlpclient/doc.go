// Package otlpclient sends OTLP requests to a collector that may be away, slow,
// overloaded or hostile.
//
// # Attempts
//
// An export is tried until its timeout, with pauses from 200 ms to 2 s, as long
// as what went wrong may pass: by the lists of the OTLP specification, and where
// there was no answer. One attempt runs at a time and all send the same request,
// so that trying again costs no memory. What was sent and not answered may arrive
// twice; the ids of spans tell.
//
// A collector that says how long to wait (Retry-After, RetryInfo) is left alone
// for that time, also by the exports that follow, but for five seconds at most.
//
// # A hostile collector
//
// Of a reply 64 KiB are read, counted after decompression, and 64 KiB of headers.
// Redirects are not followed. No proxy is used, whatever HTTPS_PROXY says: a
// collector is a neighbour, and a proxy would see the keys. What a collector says
// is shown cut to one short line, without the keys that it may repeat.
//
// # Why not the client of the SDK
//
// It prints keys of the environment, does not try again over HTTP when nothing
// listens, and sends spans alone: see docs/adr, "A client of our own sends OTLP".
package otlpclient
