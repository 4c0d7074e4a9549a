package spanloom_test

import (
	"encoding/json"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/otlptest"
	"github.com/spanloom/spanloom/propagation"
)

// TestTheDefaultLogger: what packages say of themselves has the form that the manifest
// says, once the program has made the logger slog's default.
func TestTheDefaultLogger(t *testing.T) {
	stderr, parent := otlptest.Alone(t)
	if !parent {
		tel := open(t, with(otlptest.Start(t, nil), ""))
		slog.SetDefault(tel.Logger())
		bad := callbacks.Funcs{NodeStart: func(*callbacks.CallbackContext, callbacks.NodeStart) { panic("hook") }}
		ctx := propagation.Extract(t.Context(), propagation.Map{"traceparent": "00-malformed"})
		if _, err := double.Run(ctx, 1, engine.Config{Callbacks: append(tel.Callbacks(), bad)}); err != nil {
			t.Error(err)
		}
		_ = tel.Shutdown(t.Context())
		syscall.Exit(0) // os.Exit is not for tests
	}
	for _, want := range []string{"callback panicked; the run goes on", "a field of the trace context was left out"} {
		found := false
		for line := range strings.Lines(stderr) {
			var record struct{ Msg string }
			found = found || json.Unmarshal([]byte(line), &record) == nil && record.Msg == want
		}
		if !found {
			t.Errorf("no line of JSON says %q:\n%s", want, stderr)
		}
	}
}
