// Package cache holds the interface through which an engine keeps the results
// of nodes and of the items of maps, so that work already done is not done
// again.
//
// # Choosing a store
//
// Package memory keeps results for as long as the program runs, and package
// disk keeps them for the next run too. Both are bounded by bytes, and by age
// if you like.
//
// # Writing a store
//
// The rules stand on [Store], numbered. Package cachetest checks the same
// numbers on a store of your own.
//
// A store may forget what it likes whenever it likes. What it must never do is
// to return something else than was put.
//
// # Stability
//
// Stable to use and to implement.
//
// This package imports the standard library only.
package cache
