package engine_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A flag on the command line comes later, and wins.
	if err := flag.Set("rapid.checks", "5000"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
