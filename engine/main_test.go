package engine_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childVariable makes the test binary run a pipeline in a directory.
const childVariable = "SPANLOOM_TEST_RESUME_DIR"

// child is what a test binary with the variable does; nil where no test needs it.
var child func(dir string)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}
