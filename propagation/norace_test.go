//go:build !race

package propagation

const slowness = 1
