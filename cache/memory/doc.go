// Package memory is a [cache.Store] that keeps results for as long as the
// program runs.
//
//	store, err := memory.New(memory.Config{MaxBytes: 256 << 20})
//
// # What is forgotten
//
// When the limit is reached, the store forgets what has been used least
// recently and least often. An entry that nobody has asked for yet may thus be
// the first to go: many new results do not drive out those in use.
//
// # Closing
//
// There is nothing to close: the store has no goroutine of its own.
//
// # Stability
//
// Stable.
package memory
