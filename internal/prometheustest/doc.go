// Package prometheustest starts a real Prometheus for a test and asks it what it
// has scraped.
//
// The binary is built once by `make prometheus`. A test that cannot find it is
// skipped, or fails when SPANLOOM_REQUIRE_SERVERS=1.
package prometheustest
