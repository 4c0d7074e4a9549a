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
		Msg, Level, Backend, Reason string
		Now                         string `json:"lost_now"`
		InAll                       string `json:"lost_in_all"`
		Ledger                      struct {
			Counts             string
			Emitted, Delivered uint64
			InFlight           uint64 `json:"in_flight"`
			Dropped            map[string]uint64
		}
	}
	if err := json.Unmarshal([]byte(list[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Msg != "telemetry is lost" || got.Level != "WARN" || got.Backend != "x" || !strings.HasSuffix(got.Now, "events") && !strings.HasSuffix(got.Now, "event") ||
		got.InAll != got.Now || got.Ledger.Counts != "hooks and exports, in all" ||
		got.Reason != "the queue was full (64 KiB)" || got.Ledger.Dropped["queue_full"] == 0 ||
		got.Ledger.Emitted != got.Ledger.Delivered+got.Ledger.InFlight+got.Ledger.Dropped["queue_full"] {
		t.Errorf("%s\n%+v", list[0], got)
	}
}

// TestNewLossesAreTold beside all that there are, each of which the record names.
func TestNewLossesAreTold(t *testing.T) {
	t.Parallel()
	h := &Host{spec: Spec{Name: "x", QueueBytes: 64 << 20}, queue: newQueue(64<<20, DropNewest)}
	var told [reasons]units
	lose := func(r reason, n uint64) {
		h.queue.ledger.mu.Lock()
		defer h.queue.ledger.mu.Unlock()
		h.queue.ledger.lost[r][0] += n
		h.queue.ledger.dropped[r] += n
	}
	for _, tt := range []struct {
		lost               map[reason]uint64
		now, reason, inAll string
	}{
		{map[reason]uint64{reasonQueueFull: 3}, "3 events", "the queue was full (64 MiB)", "3 events"},
		{nil, "", "", ""},
		{map[reason]uint64{reasonOversize: 1}, "1 event", "they were too large to send", "4 events"},
		{
			map[reason]uint64{reasonQueueFull: 2, reasonOversize: 1},
			"3 events",
			"2 events, as the queue was full (64 MiB); 1 event, as they were too large to send", "7 events",
		},
	} {
		for r, n := range tt.lost {
			lose(r, n)
		}
		attrs, ok := h.newLosses(&told)
		if ok != (tt.lost != nil) {
			t.Fatal(attrs)
		}
		got := map[string]string{}
		for _, a := range attrs {
			got[a.Key] = a.Value.String()
		}
		if ok && (got["lost_now"] != tt.now || got["reason"] != tt.reason || got["lost_in_all"] != tt.inAll) {
			t.Errorf("%v, want %+v", got, tt)
		}
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
