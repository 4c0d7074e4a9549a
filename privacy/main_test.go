package privacy_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A default, which the command line overrides.
	if err := flag.Set("rapid.checks", "10000"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
