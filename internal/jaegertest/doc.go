// Package jaegertest starts a real Jaeger for a test and reads back what it
// stored. Its binary is also a Collector: besides traces it takes metrics and
// logs over OTLP, shows metrics to a Prometheus scrape and prints both to its
// output.
//
// The binary is built once by `make jaeger`. A test that cannot find it is
// skipped, or fails when SPANLOOM_REQUIRE_SERVERS=1.
package jaegertest
