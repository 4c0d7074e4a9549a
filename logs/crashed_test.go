package logs

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// TestCrashedRun has a run whose process died in a node of a nested pipeline, and
// another run of the same store, which tells of it.
func TestCrashedRun(t *testing.T) {
	const trace, root = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	path := filepath.Join(t.TempDir(), "runs")
	open := func() *runs.Dir {
		dir, err := runs.Open(path, runs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = dir.Close() })
		return dir
	}
	started := time.Now().Add(-time.Minute)
	dead, err := open().Open(t.Context(), runs.Header{
		ID: "monday", Pipeline: "nightly", TraceID: trace, SpanID: root, Flags: 1, Started: started,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []runs.Scope{
		{Kind: "pipeline", Path: "nightly", SpanID: root, Index: -1, Started: started, Step: runs.Step{Name: "nightly"}, TraceID: trace, Flags: 1},
		{Kind: "pipeline", Path: "nightly/in", SpanID: "00f067aa0ba902b8", ParentSpanID: root, Index: -1, Depth: 1, Started: started, Step: runs.Step{Name: "in"}},
		{Kind: "node", Path: "nightly/in/n", SpanID: "00f067aa0ba902b9", ParentSpanID: "00f067aa0ba902b8", Index: -1, Depth: 1, Started: started, Step: runs.Step{Name: "n"}},
	} {
		if err := dead.Begin(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := dead.Close("", ""); err != nil { // as a process that is killed leaves it
		t.Fatal(err)
	}

	for _, c := range []struct {
		level string
		want  int
	}{{"error", 0}, {"warn", 1}, {"debug", 0}} { // each is told of once
		var b buffer
		cfg := config(t, Lifecycle(logged(t, &b, Config{Level: c.level})))
		cfg.RunID, cfg.Runs = c.level, open()
		p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, engine.Node("add", add), n)
		})
		if _, err := p.Run(context.Background(), 1, cfg); err != nil {
			t.Fatal(err)
		}
		var told []map[string]any
		for _, r := range b.records(t) {
			if r["msg"] == "run crashed" {
				told = append(told, r)
			}
		}
		if len(told) != c.want {
			t.Fatalf("at %s: %v, want %d records", c.level, told, c.want)
		}
		if c.want == 0 {
			continue
		}
		for key, want := range map[string]any{
			"level": "WARN", keyRunID: "monday", keyPipelineName: "nightly", keyTraceID: trace, keySpanID: root,
			keyResult: "error", keyErrorType: "crashed",
		} {
			if told[0][key] != want {
				t.Errorf("%s is %v, want %v", key, told[0][key], want)
			}
		}
		if d, _ := told[0][keyDuration].(float64); d < 50 || d > 90 {
			t.Errorf("it had run for %v s, want about a minute", told[0][keyDuration])
		}
	}
}
