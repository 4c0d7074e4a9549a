// Package backendtest checks that a telemetry backend keeps the rules of backends.
//
//	func TestRules(t *testing.T) {
//		backendtest.Run(t, mybackend.New())
//	}
//
// The rules and their checks are those of package conformance: what a host would see
// of the backend. [WithSink] shows what arrives at its destination.
//
// # Stability
//
// Experimental. Rules may be added.
package backendtest
