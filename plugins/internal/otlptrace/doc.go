// Package otlptrace is what the backends that speak OTLP over gRPC share. They
// differ in their defaults and in what they know of common mistakes.
//
// # The connection
//
// Proxies are not used, whatever HTTPS_PROXY says: a collector is a neighbour.
// Replies are read up to 64 KiB. A collector that is not there is tried again
// for three seconds, then the spans are given up and the error says why.
package otlptrace
