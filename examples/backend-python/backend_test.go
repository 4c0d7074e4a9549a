// Package backendpython tests that a backend which has no line of Go keeps the rules
// of backends, and works with a program.
package backendpython

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/spanloom/spanloom/backend/conformance"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/servertest"
	"github.com/spanloom/spanloom/pluginhost"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// command returns what runs the backend, if the machine can.
func command(t *testing.T) []string {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import grpc, google.protobuf, cryptography").CombinedOutput(); err != nil {
		servertest.Missing(t, "the backend needs /usr/bin/python3 with grpcio, protobuf and cryptography: "+string(out))
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return []string{filepath.Join(dir, "spanloom-backend-jsonl"), filepath.Join(dir, "backend.binpb")}
}

// line is what the backend writes of a span.
type line struct{ Span, Parent, Kind, Name, Path, Result, Error string }

func read(t *testing.T, file string) (list []line) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Errorf("%q: %v", s.Text(), err)
		}
		list = append(list, l)
	}
	return list
}

func config(t *testing.T, file string) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(map[string]string{"file": file})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spans.jsonl")
	report, err := conformance.Verify(t.Context(), conformance.Target{
		Command: command(t), Config: config(t, file),
		Mistakes: []conformance.Mistake{
			{Config: []byte(`{}`), Key: "file"}, {Config: []byte(`{"file":"/no/such/directory/x"}`), Key: "file"},
		},
		Sink: &conformance.Sink{Spans: func() (ids []string) {
			for _, l := range read(t, file) {
				ids = append(ids, l.Span)
			}
			return ids
		}},
		Timeout: 30 * time.Second,
	}, func(r conformance.Result) {
		if r.Outcome == conformance.Failed {
			t.Errorf("%s: %s\nseen: %s", r.ID, r.Text, r.Seen)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Backend != "jsonl" || report.Passed < len(report.Results)-report.Failed-10 {
		t.Errorf("%s: %d passed, %d skipped of %d", report.Backend, report.Passed, report.Skipped, len(report.Results))
	}
}

// TestHost: a host of a program starts the backend, and gets what it wants from it.
func TestHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "spans.jsonl")
	words := command(t)
	h := pluginhost.Start(pluginhost.Spec{
		Name: "python", Launch: pluginhost.Command(words[0], words[1:]...), Config: config(t, file), StartTimeout: 30 * time.Second,
	})
	run := hooktest.Start(h, hooktest.Config("daily"))
	run.Node("fetch").OK(time.Millisecond)
	in := run.Nested("features")
	m := in.Map("embed", 1, 0)
	m.Item(0).OK(time.Millisecond)
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Succeeded: 1})
	in.OK(time.Millisecond)
	run.Fail(time.Second, callbacks.ResultFailure, os.ErrNotExist)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := h.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if s := h.Stats(); s.Delivered != s.Emitted || s.Emitted == 0 {
		t.Errorf("%d of %d events were delivered", s.Delivered, s.Emitted)
	}
	var got []line
	for _, l := range read(t, file) {
		l.Span, l.Parent = "", ""
		got = append(got, l)
	}
	want := []line{
		{Kind: "node", Name: "fetch", Path: "daily/fetch", Result: "success"},
		{Kind: "map_item", Name: "embed", Path: "daily/features/embed[0]", Result: "success"},
		{Kind: "map", Name: "embed", Path: "daily/features/embed", Result: "success"},
		{Kind: "pipeline", Name: "features", Path: "daily/features", Result: "success"},
		{Kind: "pipeline", Name: "daily", Path: "daily", Result: "failure", Error: os.ErrNotExist.Error()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
