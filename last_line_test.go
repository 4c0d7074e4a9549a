package spanloom_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/internal/otlptest"
)

// TestTheLastLine: programs end by os.Exit right after they have said why.
func TestTheLastLine(t *testing.T) {
	for name, last := range map[string]func(*spanloom.Telemetry){
		"error":          func(tel *spanloom.Telemetry) { tel.Logger().Error("the last line") },
		"warning":        func(tel *spanloom.Telemetry) { tel.Logger().With("a", 1).WithGroup("g").Warn("the last line") },
		"after shutdown": func(tel *spanloom.Telemetry) { _ = tel.Shutdown(t.Context()); tel.Logger().Info("the last line") },
		"in shutdown":    func(tel *spanloom.Telemetry) { tel.Logger().Info("the last line"); _ = tel.Shutdown(t.Context()) },
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			for range 5 {
				stderr, parent := otlptest.Alone(t)
				if !parent {
					last(open(t, with(otlptest.Start(t, nil), "")))
					syscall.Exit(0) // os.Exit is not for tests
				}
				if strings.Count(stderr, "the last line") != 1 {
					t.Fatalf("standard error:\n%s", stderr)
				}
			}
		})
	}
}
