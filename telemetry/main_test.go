package telemetry

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// program is what this binary is for a test instead; nil where there is none.
var program func() error

func TestMain(m *testing.M) {
	if program != nil {
		if err := program(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
