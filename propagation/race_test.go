//go:build race

package propagation

// slowness is how much longer than 100 µs the race detector may take.
const slowness = 20
