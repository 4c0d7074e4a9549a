package console

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

var update = flag.Bool("update", false, "write the golden files")

const ms = time.Millisecond

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
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
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}

// render prints what f emits.
func render(t *testing.T, c backend.Config, f func(backend.Instance)) string {
	t.Helper()
	var out strings.Builder
	c.Output = &out
	in, err := New().Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	f(in)
	if err := errors.Join(in.Flush(t.Context()), in.Close(t.Context()), in.Close(t.Context())); err != nil {
		t.Error(err)
	}
	return out.String()
}

func check(t *testing.T, runs ...*hooktest.Scope) {
	t.Helper()
	for _, r := range runs {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
}

func numbered(pipeline string, n byte) callbacks.RunConfig {
	c := hooktest.Config(pipeline)
	c.ID = fmt.Sprintf("%02x%s", n, c.ID[2:])
	c.Identity.TraceID[15] = n
	return c
}

// quickstart is a run without failures.
func quickstart(in backend.Instance) *hooktest.Scope {
	run := hooktest.Start(in, hooktest.Config("quickstart"))
	run.Node("walk").OK(1200 * time.Microsecond)
	m := run.Map("parse", 2, 0)
	m.Item(0).OK(ms)
	m.Item(1).OK(ms)
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Duration: 41 * ms, Result: callbacks.ResultSuccess}, Succeeded: 2})
	s := run.Nested("stats")
	p := s.Map("package", 1, 0)
	p.Item(0).OK(ms)
	p.EndMap(callbacks.MapEnd{End: callbacks.End{Duration: 3100 * time.Microsecond, Result: callbacks.ResultSuccess}, Succeeded: 1})
	s.Node("total").OK(100 * time.Microsecond)
	s.OK(3400 * time.Microsecond)
	run.Cached("load", callbacks.NodeCached{Reason: "cache", Saved: 3 * time.Second})
	run.Skipped("publish", "nothing new")
	run.Node("report").OK(1500 * ms)
	run.OK(1546 * ms)
	return run
}

// failing is a run with failures in a node, in items and in mapped pipelines.
func failing(in backend.Instance) *hooktest.Scope {
	run := hooktest.Start(in, hooktest.Config("daily"))
	boom := errors.New("open /data/x: no such file")
	m := run.Map("parse", 12, 4)
	for i := range 8 {
		it := m.Item(i)
		switch i {
		case 0:
			it.OK(ms)
		case 1: // a mapped pipeline: the failure began deeper, where nothing is printed
			n := it.Nested("parse")
			n.Node("open").Fail(ms, callbacks.ResultFailure, boom)
			n.End(callbacks.End{Duration: ms, Result: callbacks.ResultFailure, Err: boom})
			it.End(callbacks.End{Duration: ms, Result: callbacks.ResultFailure, Err: fmt.Errorf("open: %w", boom)})
		default:
			it.Fail(ms, callbacks.ResultFailure, fmt.Errorf("line %d:\n\tunexpected\n EOF", i))
		}
	}
	m.CachedItem(8, callbacks.MapItemCached{Reason: "resume"})
	m.EndMap(callbacks.MapEnd{
		End:       callbacks.End{Duration: 12 * ms, Result: callbacks.ResultFailure, Err: boom},
		Succeeded: 1, Failed: 7, Cached: 1, Skipped: 3, Concurrency: 4,
	})
	n := run.Nested("features")
	slow := n.Node("embed")
	n.Node("other").End(callbacks.End{Duration: ms, Result: callbacks.ResultCancellation, Err: context.Canceled})
	slow.Fail(30*time.Second, callbacks.ResultTimeout, context.DeadlineExceeded)
	n.End(callbacks.End{Duration: 30 * time.Second, Result: callbacks.ResultTimeout, Err: context.DeadlineExceeded})
	run.Node("index").Fail(ms, callbacks.ResultError, errors.New("panic: index out of range [3] with length 3"))
	run.End(callbacks.End{Duration: 71 * time.Second, Result: callbacks.ResultFailure, Err: boom})
	return run
}

// policies is a run that goes on, with retries, stored results, a branch, a loop,
// a map with partial results and a gate.
func policies(in backend.Instance) *hooktest.Scope {
	dead := callbacks.NewRun(context.Background(), hooktest.Config("nightly"))
	node := &callbacks.CallbackContext{}
	dead.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "fetch"}, Index: -1, Attempt: 1})
	in.OnCrashed(node, callbacks.Crashed{Duration: time.Minute})
	in.OnCrashed(dead, callbacks.Crashed{Duration: 3 * time.Minute})
	run := hooktest.Resume(in, hooktest.Config("nightly"), &callbacks.Resumed{
		Starts: 1, TraceID: callbacks.TraceID{0x7d, 0x0e, 15: 0x09}, SpanID: callbacks.SpanID{1},
	})
	run.Cached("walk", callbacks.NodeCached{Reason: "resume", Saved: 95 * time.Second})
	run.Cached("list", callbacks.NodeCached{Reason: "resume", Saved: 100 * time.Microsecond})
	refused := errors.New("dial tcp 10.0.0.7:443:\n\tconnection refused")
	f := run.Looked("fetch", callbacks.CacheLookup{Signature: "0123456789ab", Reason: "input 1 is new"})
	for i := range 7 {
		f.Retry(i+1, time.Duration(i)*500*ms, refused)
	}
	f.EndAttempts(callbacks.End{Duration: 11 * time.Second, Result: callbacks.ResultSuccess}, 8)
	b := run.Node("choose")
	b.Skipped("left", `the branch chose "right"`)
	b.SkippedStep(callbacks.KindPipeline, "middle", `the branch chose "right"`)
	b.Node("right").OK(ms)
	b.OK(2 * ms)
	l := run.Node("poll")
	for round := range 3 {
		l.Round(round + 1)
		l.Node("ask").OK(ms)
	}
	l.OK(4 * ms)
	l = run.Node("refine")
	for round := range 2 {
		l.Round(round + 1)
		body := l.Nested("pass")
		body.Node("step").OK(ms)
		body.OK(2 * ms)
	}
	l.OK(5 * ms)
	m := run.Map("parse", 6, 0)
	for i := range 3 {
		it := m.LookedItem(i, callbacks.CacheLookup{Bypass: true, Reason: "the result cannot be kept"})
		if i > 0 {
			it.Retry(1, 0, refused)
		}
		if i == 2 {
			it.Fail(ms, callbacks.ResultFailure, refused)
			continue
		}
		it.EndAttempts(callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}, i+1)
	}
	m.CachedItem(3, callbacks.MapItemCached{Reason: "cache", Saved: 20 * time.Second})
	m.CachedItem(4, callbacks.MapItemCached{Reason: "resume", Saved: 50 * time.Second})
	m.Item(5).Stop(ms)
	m.EndMap(callbacks.MapEnd{
		End:       callbacks.End{Duration: 9 * ms, Result: callbacks.ResultFailure, Err: errors.New("1 of 6 items failed")},
		Succeeded: 2, Failed: 1, Cached: 2, Skipped: 1,
	})
	p := run.Nested("publish")
	p.Node("enough").Stop(ms)
	p.Stop(2 * ms)
	run.SkippedStep(callbacks.KindMap, "tell", "a gate stopped what it needs")
	run.Node("report").OK(ms)
	run.End(callbacks.End{Duration: 12 * time.Second, Result: callbacks.ResultFailure, Err: errors.New("1 of 6 items failed")})
	return run
}

// interleaved is a run of nested pipelines that run at the same time.
func interleaved(in backend.Instance) *hooktest.Scope {
	run := hooktest.Start(in, hooktest.Config("parallel"))
	a, b := run.Nested("a"), run.Nested("b")
	b1, a1 := b.Node("b1"), a.Node("a1")
	b1.OK(ms)
	r1 := run.Node("r1")
	a1.OK(2 * ms)
	c := run.Nested("c")
	bb := b.Nested("bb")
	c.Node("c1").OK(ms)
	bb.Node("bb1").OK(ms)
	r1.OK(3 * ms)
	c.OK(2 * ms)
	a.Node("a2").OK(ms)
	a.OK(4 * ms) // b goes on from here
	b.Node("b2").OK(ms)
	bb.Node("bb2").OK(ms)
	bb.OK(5 * ms)
	b.Node("b3").OK(ms)
	b.OK(9 * ms)
	run.OK(10 * ms)
	return run
}

// several are runs that run at the same time.
func several(in backend.Instance) []*hooktest.Scope {
	r1 := hooktest.Start(in, numbered("first", 1))
	r2 := hooktest.Start(in, numbered("second", 2))
	r3 := hooktest.Start(in, numbered("third", 3))
	r2.Node("x").OK(ms)
	r1.Node("x").OK(ms)
	r3.Node("x").OK(ms)
	r3.OK(2 * ms)
	r2.Node("y").OK(ms)
	r1.OK(3 * ms)
	r2.Node("z").OK(ms)
	r2.OK(4 * ms)
	return []*hooktest.Scope{r1, r2, r3}
}

func hostile(in backend.Instance) *hooktest.Scope {
	c := hooktest.Config("evil\x1b[2J\u202egnp.exe")
	c.ID = "run\x1b]0;title\x07\u2028id"
	run := hooktest.Start(in, c)
	run.Node("a\r\nnode fake  1.0ms  ok\x9b31m").OK(ms)
	run.Node("bytes\xff\xfe\u0085").OK(ms)
	run.Node("世界 wide 👩‍👩‍👧 é " + strings.Repeat("x", 300)).OK(ms) //nolint:gosmopolitan // wide on purpose
	run.Node("").OK(ms)
	run.Node("n").Fail(ms, callbacks.ResultFailure, errors.New("first\nnode fake\x1b[31m\r\n\r\n\tthird\u2029"+strings.Repeat("m", 5000)))
	run.Skipped("s", "because\x1b[0m\nnode fake")
	run.Cached("c", callbacks.NodeCached{Reason: "there\x1b[0m\nnode fake"})
	r := run.Node("r")
	r.Retry(1, 0, errors.New("busy\x1b[0m\nnode fake\u202e"))
	r.OK(ms)
	run.End(callbacks.End{Result: callbacks.ResultFailure, Err: errors.New("n")})
	return run
}

func TestGolden(t *testing.T) {
	plain := backend.Config{}
	terminal := func(width int) backend.Config {
		return backend.Config{Terminal: backend.Terminal{IsTerminal: true, Width: width}}
	}
	with := func(c backend.Config, js string) backend.Config {
		c.JSON = json.RawMessage(js)
		return c
	}
	for _, tc := range []struct {
		name   string
		config backend.Config
		run    func(backend.Instance) *hooktest.Scope
	}{
		{"quickstart", plain, quickstart},
		{"quickstart-verbose", with(plain, `{"verbose":true}`), quickstart},
		{"quickstart-color", with(plain, `{"color":"always"}`), quickstart},
		{"quickstart-40", terminal(40), quickstart},
		{"quickstart-120", terminal(120), quickstart},
		{"failing", plain, failing},
		{"failing-verbose", with(plain, `{"verbose":true}`), failing},
		{"failing-color", with(plain, `{"color":"always"}`), failing},
		{"policies", plain, policies},
		{"policies-verbose", with(plain, `{"verbose":true}`), policies},
		{"policies-color", with(terminal(100), `{"color":"always"}`), policies},
		{"policies-40", terminal(40), policies},
		{"interleaved", plain, interleaved},
		{"hostile", plain, hostile},
		{"hostile-40", terminal(40), hostile},
	} {
		t.Run(tc.name, func(t *testing.T) {
			golden(t, tc.name, render(t, tc.config, func(in backend.Instance) {
				run := tc.run(in)
				check(t, run)
			}))
		})
	}
	t.Run("several", func(t *testing.T) {
		golden(t, "several", render(t, plain, func(in backend.Instance) { check(t, several(in)...) }))
	})
}

func TestColors(t *testing.T) {
	for _, tc := range []struct {
		color    string
		terminal bool
		want     bool
	}{
		{`"auto"`, true, true}, {`"auto"`, false, false}, {`"never"`, true, false}, {`"always"`, false, true},
	} {
		c := backend.Config{
			JSON:     json.RawMessage(`{"color":` + tc.color + `}`),
			Terminal: backend.Terminal{Color: tc.terminal},
		}
		out := render(t, c, func(in backend.Instance) { quickstart(in) })
		if got := strings.Contains(out, "\x1b"); got != tc.want {
			t.Errorf("%s on a terminal with colours %t: colours %t", tc.color, tc.terminal, got)
		}
	}
}

func TestConfigMistakes(t *testing.T) {
	for js, want := range map[string]string{
		`{"color":"red"}`:   "config.color: write auto, always or never",
		`{"colour":"auto"}`: "colour",
	} {
		_, err := New().Open(t.Context(), backend.Config{JSON: json.RawMessage(js)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", js, err, want)
		}
	}
	if !json.Valid(New().Schema) {
		t.Error("the schema is not JSON")
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                            "<0.1ms",
		49 * time.Microsecond:        "<0.1ms",
		50 * time.Microsecond:        "0.1ms",
		1234 * time.Microsecond:      "1.2ms",
		999949 * time.Microsecond:    "999.9ms",
		999950 * time.Microsecond:    "1.00s",
		1500 * ms:                    "1.50s",
		59994 * ms:                   "59.99s",
		59995 * ms:                   "1m00s",
		3599 * time.Second:           "59m59s",
		3599500 * ms:                 "1h00m",
		26*time.Hour + 5*time.Minute: "26h05m",
	} {
		if got := duration(d); got != want {
			t.Errorf("%d ns is %s, want %s", d, got, want)
		}
	}
}

// ExampleNew prints what a run's hooks become.
func ExampleNew() {
	in, err := New().Open(context.Background(), backend.Config{Output: os.Stdout})
	if err != nil {
		fmt.Println(err)
	}
	run := hooktest.Start(in, hooktest.Config("hello")) // an engine does this
	run.Node("greet").OK(2 * time.Millisecond)
	run.OK(3 * time.Millisecond)
	// Output:
	// pipeline hello  run 4f1c2a9b  trace 7d0e0000000000000000000000000001
	//   node greet                                   2.0ms  ok
	// pipeline hello                                 3.0ms  ok
}
