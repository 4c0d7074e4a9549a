//go:build unix

package pluginhost

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// pid returns the process of a host's backend.
func pid(t *testing.T, h *Host) int {
	t.Helper()
	ready(t, h)
	n, ok := child(t)
	if !ok {
		t.Fatal("no backend process")
	}
	return n
}

// child returns a process that this one has started and that has not ended.
func child(t *testing.T) (pid int, ok bool) {
	t.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(list) == 0 {
		if runtime.GOOS == "linux" {
			t.Fatal("no processes in /proc: ", err)
		}
		t.Skip("needs /proc")
	}
	for _, f := range list {
		data, _ := os.ReadFile(f)
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) && fields[0] != "Z" {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			return n, true
		}
	}
	return 0, false
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func lost(t *testing.T, h *Host, words string) {
	t.Helper()
	line, ok := h.Lost()
	if !ok || !strings.Contains(line, words) || !strings.Contains(line, " lost: ") || strings.Contains(line, "\n") {
		t.Errorf("%q, want %q in it", line, words)
	}
	t.Log(line)
}

func TestKilledInMidStream(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	p := pid(t, h)
	n := hooktest.Random(h, 1)
	flush(t, h)
	if err := syscall.Kill(p, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d := await(t, 2*time.Second, "the end seen", func() bool { return h.Stats().State == Restarting })
	t.Logf("seen after %s", d)
	if err := h.Stats().Err; err == nil || !strings.Contains(err.Error(), "process exited (signal: killed)") {
		t.Error(err)
	}
	m := hooktest.Random(h, 2)
	flush(t, h)
	st := h.Stats()
	if st.Delivered != uint64(n+m) || st.Lost() > 0 || st.State != Ready || st.Err != nil || !maps.Equal(st.Restarts, map[EndReason]uint64{Exited: 1}) {
		t.Errorf("%d and %d events: %+v", n, m, st)
	}
	shutdown(t, h, time.Second)
	if line, ok := h.Lost(); ok {
		t.Error(line)
	}
}

// underKills emits, again and again, while the backend of h is killed so many times, each
// time some milliseconds after it has delivered something. After each it calls ended.
func underKills(t *testing.T, h *Host, kills int, emit, ended func()) {
	t.Helper()
	var done atomic.Bool
	var emitting sync.WaitGroup
	emitting.Go(func() {
		for !done.Load() {
			emit()
			time.Sleep(3 * time.Millisecond)
			// A backend that is killed all the time is slow.
			for st := h.Stats(); st.InFlight+st.Kept > 2000 && !done.Load(); st = h.Stats() {
				time.Sleep(time.Millisecond)
			}
		}
	})
	defer emitting.Wait()
	defer done.Store(true)
	for i := range kills {
		p := pid(t, h)
		before := h.Stats().Delivered
		await(t, 5*time.Second, "some delivered", func() bool { return h.Stats().Delivered > before })
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		_ = syscall.Kill(p, syscall.SIGKILL)
		// After some ends in a row the next start is late.
		await(t, 5*time.Second, "the end seen", func() bool { return h.Stats().Restarts[Exited] > uint64(i) })
		ended()
	}
}

// TestNothingIsLostOverRestarts kills a backend at random moments under load.
func TestNothingIsLostOverRestarts(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 3
	}
	file := filepath.Join(t.TempDir(), "events")
	s := spec(t, testConfig{File: file, DelayU: 500})
	s.restartDelay = time.Millisecond
	h := start(t, s)
	said := &callbacktest.Recorder{}
	both := callbacks.Multi(h, said)
	seed := uint64(0)
	underKills(t, h, kills, func() {
		hooktest.Random(both, seed)
		seed++
	}, func() {})
	flush(t, h)
	st := h.Stats()
	if st.Delivered != st.Emitted {
		t.Errorf("%+v", st)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for line := range strings.Lines(string(data)) {
		got[strings.TrimSuffix(line, "\n")]++
	}
	want, again := hooktest.Lines(said.Events()), 0
	missing := 0
	for _, line := range want {
		if got[line] == 0 {
			missing++
		}
		again += max(got[line]-1, 0)
	}
	if missing > 0 {
		t.Errorf("%d events are lost", missing)
	}
	t.Logf("%d kills, %d restarts, %d events, %d lines came again", kills, st.Restarts[Exited], len(want), again)
}

// TestABatchThatEndsBackends: the others get through.
func TestABatchThatEndsBackends(t *testing.T) {
	poison := &liar{where: "end of stream"}
	h := start(t, Spec{Name: "x", Launch: poison, restartDelay: time.Millisecond})
	n := hooktest.Random(h, 1)
	await(t, 5*time.Second, "given up", func() bool { return h.Stats().Dropped[ExportFailed] > 0 })
	st := h.Stats()
	if st.Restarts[Broke] < maxEnds || st.Emitted != uint64(n) {
		t.Errorf("%+v", st)
	}
	exact(t, h)
}

func flush(t *testing.T, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestStoppedForEver(t *testing.T) {
	h := start(t, spec(t, testConfig{}))
	p := pid(t, h)
	if err := syscall.Kill(p, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(300) {
		hooktest.Random(h, seed)
	}
	began := time.Now()
	shutdown(t, h, time.Second)
	t.Logf("Shutdown took %s of 1s", time.Since(began))
	await(t, time.Second, "gone", func() bool { return !alive(p) })
	lost(t, h, "in the time to shut down")
}

func TestAHungBackendIsKilledByTheWatchdog(t *testing.T) {
	s := spec(t, testConfig{})
	s.ackTimeout, s.healthTimeout = 300*time.Millisecond, 200*time.Millisecond
	h := start(t, s)
	p := pid(t, h)
	if err := syscall.Kill(p, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hooktest.Random(h, 1)
	d := await(t, 3*time.Second, "seen", func() bool { return h.Stats().Restarts[Hung] == 1 })
	t.Logf("seen after %s (timeouts 300 ms and 200 ms)", d)
	if err := h.Stats().Err; err == nil || !strings.Contains(err.Error(), "no sign of life") {
		t.Error(err)
	}
	await(t, time.Second, "gone", func() bool { return !alive(p) })
	flush(t, h)
	if st := h.Stats(); st.Delivered != st.Emitted {
		t.Errorf("%+v", st)
	}
}

func TestASlowBackendIsDegradedAndLeftAlone(t *testing.T) {
	s := spec(t, testConfig{Flush: "hang"})
	s.ackTimeout, s.healthTimeout = 200*time.Millisecond, 200*time.Millisecond
	h := start(t, s)
	p := pid(t, h)
	hooktest.Random(h, 1)
	flushed, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_ = h.Flush(flushed)
	hooktest.Random(h, 2)
	await(t, 3*time.Second, "degraded", func() bool { return h.Stats().State == Degraded })
	if !alive(p) {
		t.Error("it was killed")
	}
	shutdown(t, h, time.Second)
	await(t, time.Second, "gone", func() bool { return !alive(p) })
	lost(t, h, "in the time to shut down")
}

func TestFailedExportsAreCounted(t *testing.T) {
	h := start(t, spec(t, testConfig{Flush: "fail"}))
	n := hooktest.Random(h, 1)
	flushOnly(t, h)
	m := hooktest.Random(h, 2)
	shutdown(t, h, 5*time.Second)
	st := h.Stats()
	if st.Delivered+st.Dropped[ExportFailed] != uint64(n+m) || st.Dropped[ExportFailed] == 0 {
		t.Errorf("%d and %d events: %+v", n, m, st)
	}
	lost(t, h, "connection refused")
}

// flushOnly waits for acknowledgements.
func flushOnly(t *testing.T, h *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.flush(ctx, ctx); err != nil {
		t.Fatal(err)
	}
}

func TestAPanicOfTheInstance(t *testing.T) {
	h := start(t, spec(t, testConfig{Hook: "panic"}))
	n := hooktest.Random(h, 1)
	flushOnly(t, h)
	if st := h.Stats(); st.Dropped[ExportFailed] == 0 || st.State != Ready {
		t.Errorf("%d events: %+v", n, st)
	}
	shutdown(t, h, 5*time.Second)
	lost(t, h, "instance panicked in OnPipelineEnd: in the instance")
}

func TestSelfFallsBackToThisProcess(t *testing.T) {
	s := spec(t, testConfig{})
	s.Env = []string{badVariable + "=exit"}
	var log safeBuffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	h := start(t, s)
	n := hooktest.Random(h, 1)
	flush(t, h)
	if st := h.Stats(); st.Delivered != uint64(n) {
		t.Errorf("%d events: %+v", n, st)
	}
	await(t, time.Second, "a log line", func() bool { return log.String() != "" })
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "backend runs in this process") {
		t.Error(text)
	}
	t.Log(log.String())
}

// A pipe that nobody reads takes nobody's time and nobody's events.
func TestNobodyReadsTheOutput(t *testing.T) {
	s := spec(t, testConfig{Say: strings.Repeat("say ", 100)})
	r, w := io.Pipe()
	s.Output = w
	h := start(t, s)
	n := 0
	for seed := range uint64(20) {
		n += hooktest.Random(h, seed)
		flush(t, h)
	}
	if st := h.Stats(); st.Delivered != uint64(n) {
		t.Errorf("%d events: %+v", n, st)
	}
	shutdown(t, h, time.Second)
	if line, ok := h.Lost(); ok {
		t.Error(line)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	h.out.Drain(t.Context())
	_ = w.Close()
}

func TestPrintingDoesNotBlockABackend(t *testing.T) {
	h := start(t, spec(t, testConfig{Hook: "print"}))
	n := 0
	for seed := range uint64(20) {
		n += hooktest.Random(h, seed)
	}
	shutdown(t, h, 5*time.Second)
	if st := h.Stats(); st.Delivered != uint64(n) {
		t.Errorf("%d events: %+v", n, st)
	}
}
