// Package cachetest checks that a store keeps the rules of [cache.Store].
//
//	func TestStore(t *testing.T) {
//		cachetest.Run(t, func(t *testing.T) cache.Store { return mystore.New() })
//	}
//
// # Stability
//
// Stable to use. Rules may be added.
package cachetest
