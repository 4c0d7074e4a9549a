//go:build !race

package propagation

// slowness is how much longer than 100 µs a slow machine may take.
const slowness = 3
