// Package nodespan keeps what node code records on the span of its scope, until
// the scope ends and whoever makes that span asks for it.
//
// A recorder belongs to the context of its scope and is made with the first thing
// that is recorded: scopes whose code records nothing cost one load at their end.
package nodespan
