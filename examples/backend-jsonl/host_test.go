//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/pluginhost"
)

// start runs the binary under a real host.
func start(t *testing.T, c string) *pluginhost.Host {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "spanloom-backend-jsonl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	host := pluginhost.Start(pluginhost.Spec{Name: "main", Launch: pluginhost.Command(binary), Config: []byte(c), StartTimeout: 20 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := host.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return host
}

var work = engine.Node("work", func(_ context.Context, n int) (int, error) {
	if n == 13 {
		return 0, errors.New("unlucky\nnumber")
	}
	return n, nil
})

var daily = engine.Define("daily", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
	return engine.Map(g, work, in, engine.ContinueOnError())
})

func run(host *pluginhost.Host, items int) {
	in := make([]int, items)
	for i := range in {
		in[i] = i
	}
	_, _ = daily.Run(context.Background(), in, engine.Config{Callbacks: []callbacks.PipelineCallback{host}})
}

// read returns the lines of all files, each of which must be whole, by span.
func read(t *testing.T, path string) map[string]line {
	t.Helper()
	list := map[string]line{}
	for _, data := range written(t, path) {
		for text := range bytes.Lines([]byte(data)) {
			var l line
			if err := json.Unmarshal(text, &l); err != nil {
				t.Fatalf("%v: %q", err, text)
			}
			list[l.Span+l.Event] = l
		}
	}
	return list
}

func TestUnderAHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	host := start(t, fmt.Sprintf(`{"path":%q,"max_bytes":4000,"files":99}`, path))
	run(host, 100)
	if err := host.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := read(t, path)
	if s := host.Stats(); len(lines) != 102 || s.InFlight != 0 || len(written(t, path)) < 5 {
		t.Errorf("%d lines in %d files: %+v", len(lines), len(written(t, path)), s)
	}
	failed := 0
	for _, l := range lines {
		if l.Path == "daily/work[13]" && l.Event == "item_end" && l.Result == "failure" && strings.Contains(l.Error, "unlucky\nnumber") {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d lines about the item that failed", failed)
	}
}

// TestKill: kill -9 while it writes loses nothing: what was not acknowledged comes again.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	host := start(t, fmt.Sprintf(`{"path":%q,"max_bytes":200000,"files":99,"sync":false}`, path))
	const rounds, runs, items = 3, 10, 500
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for range rounds {
		for i := range runs {
			run(host, items)
			if i == runs/2 {
				for _, pid := range children(t) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
		if err := host.Flush(ctx); err != nil { // waits for the next start
			t.Fatal(err)
		}
	}
	if err := host.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	s := host.Stats()
	restarts := uint64(0)
	for _, n := range s.Restarts {
		restarts += n
	}
	if restarts != rounds || len(s.Dropped) != 0 {
		t.Errorf("%d restarts, dropped %v", restarts, s.Dropped)
	}
	if got, want := len(read(t, path)), rounds*runs*(items+2); got != want {
		t.Errorf("%d of %d spans have lines", got, want)
	}
}

// children returns the processes that this one has started, of this test: the other
// tests of the binary have ended or not begun.
func children(t *testing.T) (pids []int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, _ := os.ReadFile(name)
		for f := range strings.FieldsSeq(string(data)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
