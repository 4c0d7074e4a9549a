package logs

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/cache/memory"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

var update = flag.Bool("update", false, "write the golden files; read them before you commit them")

// logged returns a logger of JSON to b.
func logged(t testing.TB, b *buffer, c Config) *slog.Logger {
	t.Helper()
	l, err := New(b, c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// config runs steps one after another, listened to by cbs.
func config(t testing.TB, cbs ...callbacks.PipelineCallback) engine.Config {
	t.Helper()
	store, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Config{RunID: "r1", Runner: engine.Sequential(), Cache: store, Callbacks: cbs}
}

// changing is what differs from run to run, and what stands for it.
var changing = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`"time":"[^"]*"`), `"time":"TIME"`},
	{regexp.MustCompile(`"trace_id":"[0-9a-f]{32}"`), `"trace_id":"TRACE"`},
	{regexp.MustCompile(`"span_id":"[0-9a-f]{16}"`), `"span_id":"SPAN"`},
	{regexp.MustCompile(`"duration_s":[0-9.e-]+`), `"duration_s":SECONDS`},
	{regexp.MustCompile(`"spanloom.cache.saved.duration":[0-9.e-]+`), `"spanloom.cache.saved.duration":SECONDS`},
	{regexp.MustCompile(`"spanloom.cache.key":"[0-9a-f]{12}"`), `"spanloom.cache.key":"KEY"`},
	{regexp.MustCompile(`"exception.stacktrace":"goroutine (\\.|[^"\\])*pipelines_test.go(\\.|[^"\\])*"`), `"exception.stacktrace":"STACK"`},
	{regexp.MustCompile(`\.go:[0-9]+`), `.go:LINE`},
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	for _, c := range changing {
		got = c.what.ReplaceAllString(got, c.by)
	}
	file := filepath.Join("testdata", name+".jsonl")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestLifecycle compares all that is logged with golden files, and finds each
// line by its ids among the scopes that were heard of.
func TestLifecycle(t *testing.T) {
	cases := map[string]struct {
		run   func(engine.Config) error
		fails bool
	}{
		"daily": {run: func(c engine.Config) error { _, err := daily().Run(context.Background(), 1, c); return err }},
		"failing": {run: func(c engine.Config) error {
			_, err := failing().Run(context.Background(), []int{0, 1, 2}, c)
			return err
		}, fails: true},
		"slow": {run: func(c engine.Config) error { _, err := slow().Run(context.Background(), 1, c); return err }, fails: true},
	}
	for name, c := range cases {
		for _, level := range []string{"debug", "info", "error"} {
			t.Run(name+"-"+level, func(t *testing.T) {
				var b buffer
				rec := &callbacktest.Recorder{}
				err := c.run(config(t, Lifecycle(logged(t, &b, Config{Level: level})), rec))
				if (err != nil) != c.fails {
					t.Error(err)
				}
				golden(t, name+"-"+level, b.String())
				findByIDs(t, b.records(t), rec.Events())
			})
		}
	}
}

// findByIDs finds the scope of each record.
func findByIDs(t *testing.T, records []map[string]any, events []callbacktest.Event) {
	t.Helper()
	type id struct{ trace, span string }
	scopes := map[id]*callbacks.CallbackContext{}
	for _, e := range events {
		scopes[id{e.Context.TraceID().String(), e.Context.SpanID().String()}] = e.Context
	}
	for _, r := range records {
		cc := scopes[id{r[keyTraceID].(string), r[keySpanID].(string)}]
		if cc == nil || cc.Path() != r[keyPath] {
			t.Errorf("the ids of this record are of %v: %v", cc, r)
		}
	}
}

func TestResumedRun(t *testing.T) {
	store, err := runs.Open(filepath.Join(t.TempDir(), "runs"), runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	full := true
	fetch := engine.Node("fetch", add)
	save := engine.Node("save", func(_ context.Context, n int) (int, error) {
		if full {
			return 0, errors.New("disk full")
		}
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, save, engine.Add(g, fetch, n))
	})
	var b buffer
	c := config(t, Lifecycle(logged(t, &b, Config{Level: "debug"})))
	c.Runs = store
	if _, err := p.Run(context.Background(), 1, c); err == nil {
		t.Error("the first start did not fail")
	}
	full = false
	if _, err := p.Run(context.Background(), 1, c); err != nil {
		t.Error(err)
	}
	golden(t, "resumed", b.String())
}

// TestInterest holds that nothing is heard that is not logged.
func TestInterest(t *testing.T) {
	const nodes = debugHooks
	cases := map[string]struct{ want, not callbacks.Hook }{
		"debug":   {callbacks.AllHooks &^ (callbacks.HookEmit | callbacks.HookMetric | callbacks.HookNestedPipelineEnd), callbacks.HookEmit | callbacks.HookMetric | callbacks.HookNestedPipelineEnd},
		"info":    {infoHooks | errorHooks, nodes | callbacks.Times},
		"warn":    {callbacks.HookNodeRetry | callbacks.HookError | callbacks.HookCrashed, nodes | callbacks.HookPipelineStart | callbacks.HookPipelineEnd | callbacks.HookNestedPipelineStart},
		"error":   {callbacks.HookError, nodes | callbacks.HookPipelineStart | callbacks.HookCrashed},
		"error+1": {0, callbacks.AllHooks},
	}
	for level, c := range cases {
		cb := Lifecycle(logged(t, &buffer{}, Config{Level: level}))
		if got := callbacks.Interest(cb); got&c.want != c.want || got&c.not != 0 {
			t.Errorf("%s: hears %s", level, got)
		}
	}
}

// TestLevelRises holds that a level that rises in a run holds at once, and one
// that was lower for the next run.
func TestLevelRises(t *testing.T) {
	var b buffer
	level := new(slog.LevelVar)
	cb := Lifecycle(logged(t, &b, Config{Level: "debug", LevelVar: level}))
	quiet := engine.Node("quiet", func(_ context.Context, n int) (int, error) {
		level.Set(slog.LevelError)
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, quiet, n) })
	for range 2 {
		if _, err := p.Run(context.Background(), 1, config(t, cb)); err != nil {
			t.Fatal(err)
		}
	}
	var msgs []any
	for _, r := range b.records(t) {
		msgs = append(msgs, r["msg"])
	}
	if diff := cmp.Diff([]any{"run started", "node started"}, msgs); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
}

// TestRunUnderASpan holds that records of a run under a span are in its trace.
func TestRunUnderASpan(t *testing.T) {
	var b buffer
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), remote(trace.FlagsSampled))
	if _, err := daily().Run(ctx, 1, config(t, Lifecycle(logged(t, &b, Config{Level: "debug"})))); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.records(t) {
		if r[keyTraceID] != remote(0).TraceID().String() || r[keySpanID] == remote(0).SpanID().String() {
			t.Errorf("trace %v, span %v; want a span of the trace around", r[keyTraceID], r[keySpanID])
		}
	}
}

// TestPlainLogger holds that a logger without places gets them.
func TestPlainLogger(t *testing.T) {
	var b buffer
	cb := Lifecycle(slog.New(slog.NewJSONHandler(&b, nil)))
	if _, err := daily().Run(context.Background(), 1, config(t, cb)); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.records(t) {
		if r[keyRunID] != "r1" || r[keyTraceID] == nil {
			t.Errorf("a record without a place: %v", r)
		}
	}
}

// TestSinksThatFailDoNotFailRuns holds that a run does not notice.
func TestSinksThatFailDoNotFailRuns(t *testing.T) {
	panics := func() error { panic("oops") }
	var b buffer
	bad := provider(t, &processor{do: func() { panic("oops") }})
	for name, l := range map[string]*slog.Logger{
		"handler":  slog.New(Fanout(broken{handle: panics, enabled: nil}, slog.NewJSONHandler(&b, nil))),
		"provider": logged(t, &b, Config{Provider: bad}),
		"writer":   slog.New(slog.NewJSONHandler(&brokenWriter{}, nil)),
	} {
		if out, err := daily().Run(context.Background(), 1, config(t, Lifecycle(l))); out != 3 || err != nil {
			t.Errorf("%s: %d, %v", name, out, err)
		}
	}
	starts := 0
	for _, r := range b.records(t) {
		if r["msg"] == "run started" {
			starts++
		}
	}
	if starts != 2 {
		t.Errorf("%d runs are in the log of the sound sink, want 2", starts)
	}
}
