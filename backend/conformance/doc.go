// Package conformance is the list of rules that a telemetry backend keeps, with a
// check for each. It talks to the backend as a host does, over the protocol that
// proto/spanloom/backend/v1/backend.proto describes, so that the language in which
// the backend is written makes no difference.
//
// Authors in Go use package backendtest, which runs the same rules as subtests;
// `spanloom backend verify` runs them against a binary.
//
// A check sees what a host sees: answers, acknowledgements, the state of the process.
// What a backend does with the events is visible only where a [Sink] shows it.
//
// # Stability
//
// Experimental. Rules may be added.
package conformance
