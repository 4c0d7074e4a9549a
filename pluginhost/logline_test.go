//go:build unix

package pluginhost

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/hooktest"
)

// written is a buffer that several may use.
type written struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// TestWhatOpenTelemetryPrints has a backend process in which OpenTelemetry's handler of
// errors, which nobody has set, prints: it is a line of the backend's, without what is
// secret and without what a terminal obeys.
func TestWhatOpenTelemetryPrints(t *testing.T) {
	var out written
	s := spec(t, testConfig{Log: "traces export: s3cret \x1b[31m refused"})
	s.Output = &out
	s.Redact = func(text string) string { return strings.ReplaceAll(text, "s3cret", "***") }
	h := start(t, s)
	ready(t, h)
	const want = `backend "console": traces export: *** \x1b[31m refused` + "\n"
	for range 40 {
		hooktest.Random(h, 1)
	}
	await(t, 10*time.Second, "20 lines", func() bool { return strings.Count(out.String(), want) == maxLogLines })
	shutdown(t, h, 5*time.Second)
	if got := strings.ReplaceAll(out.String(), want, ""); got != "" {
		t.Errorf("there is more: %q", got)
	}
}

func TestLogLinesAreFew(t *testing.T) {
	t.Parallel()
	var l logLines
	now := time.Now()
	shown := 0
	for range 100 {
		if _, ok := l.next(now); ok {
			shown++
		}
	}
	if more, ok := l.next(now.Add(logPeriod)); shown != maxLogLines || more != 80 || !ok {
		t.Errorf("%d shown, then %d more, %t", shown, more, ok)
	}
}
