//go:build race

package propagation

// slowness is what the race detector may cost.
const slowness = 20
