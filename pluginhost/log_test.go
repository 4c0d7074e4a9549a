//go:build unix

package pluginhost

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spanloom/spanloom/internal/hooktest"
)

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.text.String()), "\n")
}

// TestLossesAreLogged while the program runs, once for many, with the ledger.
func TestLossesAreLogged(t *testing.T) {
	var out lines
	l := &late{up: make(chan struct{})}
	h := start(t, Spec{
		Name: "x", Launch: l, QueueBytes: 64 << 10, lossTick: time.Millisecond,
		Logger: slog.New(slog.NewJSONHandler(&out, nil)),
	})
	for i := uint64(0); h.Stats().Dropped[QueueFull] == 0; i++ {
		hooktest.Random(h, i)
	}
	await(t, 10*time.Second, "logged", func() bool { return out.all()[0] != "" })
	for i := range uint64(100) {
		hooktest.Random(h, i)
	}
	close(l.up)
	_ = h.Flush(t.Context())
	shutdown(t, h, 5*time.Second)
	list := out.all()
	if len(list) != 1 {
		t.Fatalf("%d lines: %q", len(list), list)
	}
	var got struct {
		Msg, Level, Backend, Lost, Reason string
		Ledger                            struct {
			Emitted, Delivered uint64
			InFlight           uint64 `json:"in_flight"`
			Dropped            map[string]uint64
		}
	}
	if err := json.Unmarshal([]byte(list[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Msg != "telemetry is lost" || got.Level != "WARN" || got.Backend != "x" || !strings.HasSuffix(got.Lost, "events") && !strings.HasSuffix(got.Lost, "event") ||
		got.Reason != "the queue was full (64 KiB)" || got.Ledger.Dropped["queue_full"] == 0 ||
		got.Ledger.Emitted != got.Ledger.Delivered+got.Ledger.InFlight+got.Ledger.Dropped["queue_full"] {
		t.Errorf("%s\n%+v", list[0], got)
	}
}

func TestLedgerOnALine(t *testing.T) {
	t.Parallel()
	s := Stats{Emitted: 12, Delivered: 8, Dropped: map[Reason]uint64{Oversize: 1, QueueFull: 2}, InFlight: 1}
	const want = "12 emitted = 8 delivered + 3 dropped (2 queue_full, 1 oversize) + 1 in flight"
	if got := s.Ledger(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.Spool = &SpoolStats{}
	if got := s.Ledger(); got != want+" + 0 kept" {
		t.Error(got)
	}
}

// TestAFailedStartIsLogged at once, unless somebody waits for it.
func TestAFailedStartIsLogged(t *testing.T) {
	for _, required := range []bool{false, true} {
		var out lines
		h := start(t, Spec{
			Name: "x", Place: "spanloom.yaml:6:7: telemetry.backends[0]", Launch: Command("/nowhere/backend"),
			Required: required, Redact: func(s string) string { return strings.ReplaceAll(s, "/nowhere", "${env:DIR}") },
			Logger: slog.New(slog.NewJSONHandler(&out, nil)),
		})
		if err := h.Ready(t.Context()); err == nil {
			t.Error("there is no such file")
		}
		if required {
			shutdown(t, h, time.Second)
			if text := out.all()[0]; text != "" {
				t.Errorf("the caller was told, and the log has %s", text)
			}
			continue
		}
		await(t, 10*time.Second, "logged", func() bool { return out.all()[0] != "" })
		var got struct{ Msg, Level, Backend, Error string }
		if err := json.Unmarshal([]byte(out.all()[0]), &got); err != nil {
			t.Fatal(err)
		}
		if got.Msg != "backend does not start" || got.Level != "WARN" || got.Backend != "x" ||
			!strings.HasPrefix(got.Error, `spanloom.yaml:6:7: telemetry.backends[0]: backend "x": `) || !strings.Contains(got.Error, "${env:DIR}/backend") {
			t.Errorf("%+v", got)
		}
	}
}
