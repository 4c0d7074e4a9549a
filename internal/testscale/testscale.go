// Package testscale says how much a test does that could do more: few things in a test
// of every day, and many in those of "make reliability" and "make nightly".
package testscale

import (
	"os"
	"strconv"
)

// Variable is a factor, such as 20; without it, it is 1.
const Variable = "SPANLOOM_TEST_SCALE"

// N returns n times the factor.
func N(n int) int {
	scale, err := strconv.Atoi(os.Getenv(Variable))
	if err != nil || scale < 1 {
		scale = 1
	}
	return n * scale
}
