package propagation_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	for _, name := range []string{"TRACEPARENT", "TRACESTATE", "BAGGAGE"} {
		os.Unsetenv(name) // of whoever runs the tests
	}
	goleak.VerifyTestMain(m)
}
