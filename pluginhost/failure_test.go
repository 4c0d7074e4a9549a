//go:build unix

package pluginhost

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	list, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(list) == 0 {
		t.Skip("needs /proc")
	}
	for _, f := range list {
		data, _ := os.ReadFile(f)
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) && fields[0] != "Z" {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			return n
		}
	}
	t.Fatal("no backend process")
	return 0
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
	var killed atomic.Bool
	var emitting sync.WaitGroup
	emitting.Go(func() {
		for seed := uint64(0); !killed.Load(); seed++ {
			hooktest.Random(both, seed)
			time.Sleep(3 * time.Millisecond)
			for h.Stats().InFlight > 2000 && !killed.Load() { // a backend that is killed all the time is slow
				time.Sleep(time.Millisecond)
			}
		}
	})
	for i := range kills {
		p := pid(t, h)
		before := h.Stats().Delivered
		await(t, 5*time.Second, "some delivered", func() bool { return h.Stats().Delivered > before })
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		_ = syscall.Kill(p, syscall.SIGKILL)
		await(t, 5*time.Second, "the end seen", func() bool { return h.Stats().Restarts[Exited] > uint64(i) })
	}
	killed.Store(true)
	emitting.Wait()
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

func TestBackendsThatDoNotStart(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(f, mode); err != nil {
			t.Fatal(err)
		}
		return f
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	inOpen := write("open/backend", "#!/bin/sh\n", 0o700)
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, bad string
		problem         Problem
		words           string
	}{
		{"missing", dir + "/none", "", NotFound, "build it or correct the path"},
		{"relative", "bin/x", "", BadPath, "PATH is not searched"},
		{"directory", dir, "", NotExecutable, "not a regular file"},
		{"not executable", write("plain", "#!/bin/sh\n", 0o600), "", NotExecutable, "chmod +x"},
		{"writable by all", write("loose", "#!/bin/sh\n", 0o777), "", Unsafe, "can be changed by other users (mode 0777)"},
		{"in a directory writable by all", inOpen, "", Unsafe, "chmod go-w"},
		{"wrong format", write("text", "hello", 0o700), "", WrongFormat, "is not a program for"},
		{"no interpreter", write("noint", "#!/no/such\n", 0o700), "", NotFound, "its interpreter does not exist"},
		{"exits", exe, "exit", ExitedEarly, `(exit status 3); it wrote: panic: no \x1b[31mconfig\x1b[0m`},
		{"foreign", "/bin/true", "", ExitedEarly, "is it a Spanloom backend?"},
		{"script", write("script", "#!/bin/sh\necho hello; sleep 5\n", 0o700), "", NotABackend, `it printed "hello"`},
		{"prints first", exe, "garbage", NotABackend, `it printed "hello from a library"`},
		{"prints much first", exe, "garbage-long", NotABackend, `it printed "xxxx`},
		{"wrong version", exe, "version", WrongVersion, "protocol version 7 and this program 1"},
		{"mute", exe, "mute", StartTimeout, "no handshake within"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Spec{Name: "x", Launch: Command(tt.path), StartTimeout: 2 * time.Second}
			if tt.bad != "" {
				s.Env = []string{badVariable + "=" + tt.bad}
			}
			began := time.Now()
			h := start(t, s)
			n := hooktest.Random(h, 1)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := h.Ready(ctx)
			t.Logf("after %s: %v", time.Since(began).Round(100*time.Microsecond), err)
			var se *StartError
			if !errors.As(err, &se) || se.Problem != tt.problem || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("problem %q, want %q with %q", err, tt.problem, tt.words)
			}
			if got := h.Stats().Dropped[BackendDown]; got != uint64(n) {
				t.Errorf("%d of %d dropped", got, n)
			}
			shutdown(t, h, time.Second)
			lost(t, h, "")
		})
	}
}
