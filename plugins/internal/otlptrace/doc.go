// Package otlptrace is what the backends that speak OTLP over gRPC share. They
// differ in their defaults, in what they take, and in what they know of common
// mistakes.
//
// # The connection
//
// The spans of runs and what the program makes by itself go over one connection.
// Proxies are not used, whatever HTTPS_PROXY says: a collector is a neighbour.
// Replies are read up to 64 KiB. A collector that is not there is tried again
// for three seconds, then the telemetry is given up and the error says why.
package otlptrace
