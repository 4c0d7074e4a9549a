package spool

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		fmt.Fprintln(os.Stderr, appendForever(os.Args[1]))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
