package spanloom_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/spanloom/spanloom"
	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
)

// TestMain makes the test binary a program with telemetry when a script runs it;
// the init function of spanloom makes it a backend when that program starts one.
func TestMain(m *testing.M) {
	testscript.Main(leaks{m}, map[string]func(){
		"program":                program,
		"silent":                 silent,
		"lock":                   lock,
		"spanloom-backend-lines": func() { backend.Serve(lines) },
	})
}

// leaks runs the tests and fails when one left a goroutine behind.
type leaks struct{ *testing.M }

func (l leaks) Run() int {
	code := l.M.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

var double = engine.Define("double", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
	return engine.Add(g, engine.Node("add", func(_ context.Context, n int) (int, error) {
		time.Sleep(10 * time.Millisecond)
		return n + n, nil
	}), n)
})

// program is a user's main.
func program() {
	ctx := context.Background()
	var opts []spanloom.Option
	if os.Getenv("UNLOCKED") != "" { // as no real program should
		opts = append(opts, spanloom.AllowUnlocked())
	}
	tel, err := spanloom.Open(ctx, opts...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	if os.Getenv("SAY") != "" {
		tel.Logger().Warn("the program begins")
	}
	out, err := double.Run(ctx, 21, engine.Config{Callbacks: tel.Callbacks()})
	_ = tel.Shutdown(ctx)
	fmt.Println(out, err, len(tel.Callbacks()))
}

// lock is spanloom backend lock.
func lock() {
	m, err := catalog.Load("", nil, manifest.Options{})
	if err == nil {
		_, err = catalog.Update(context.Background(), m, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

// silent is a user's main with steps that replace the callbacks of the run.
func silent() {
	ctx := context.Background()
	tel, err := spanloom.Open(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	var own, other callbacktest.Recorder
	joins := true
	add := engine.Node("add", func(ctx context.Context, n int) (int, error) {
		cc := callbacks.FromContext(ctx)
		joins = joins && api.SpanContextFromContext(ctx).SpanID() == api.SpanID(cc.SpanID())
		return n + n, nil
	})
	sub := func(name string, opts ...engine.Option) engine.Step[int, int] {
		return engine.Define(name, func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, add, n)
		}, opts...)
	}
	none, instead := sub("none", engine.WithCallbacks()), sub("instead", engine.WithCallbacks(&other))
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, instead, engine.Add(g, none, engine.Add(g, add, n)))
	})
	out, err := p.Run(ctx, 1, engine.Config{Callbacks: append(tel.Callbacks(), &own)})
	_ = tel.Shutdown(ctx)
	fmt.Println(out, err, "joins", joins)
	for name, rec := range map[string]*callbacktest.Recorder{"own": &own, "other": &other} {
		for _, e := range rec.Events() {
			if e.Hook == callbacks.HookNodeEnd {
				fmt.Println(name, e.Context.Path())
			}
		}
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// lines is a backend that is not part of the program.
var lines = backend.Backend{
	Name: "lines",
	Schema: []byte(`{"type": "object", "additionalProperties": false, "properties": {
		"prefix": {"type": "string"}, "service": {"type": "boolean"}, "env": {"type": "array", "items": {"type": "string"}}}}`),
	Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
		l := &instance{out: c.Output, of: c.Service}
		if err := c.Decode(l); err != nil {
			return nil, err
		}
		if l.Prefix == "x" {
			return nil, &backend.ConfigError{Key: "prefix", Message: "must not be x; write y"}
		}
		return l, nil
	},
}

type instance struct {
	callbacks.Base

	Prefix  string   `json:"prefix"`
	Service bool     `json:"service"`
	Env     []string `json:"env"`
	out     io.Writer
	of      backend.Service
}

func (l *instance) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	fmt.Fprintf(l.out, "%s%s: %s\n", l.Prefix, cc.Path(), ev.Result)
	if l.Service {
		fmt.Fprintf(l.out, "%s %q %q %v\n", l.of.Name, l.of.Version, l.of.Namespace, l.of.Attributes)
	}
	for _, name := range l.Env {
		value, ok := os.LookupEnv(name)
		fmt.Fprintf(l.out, "%s=%s %v\n", name, value, ok)
	}
}
func (*instance) Flush(context.Context) error { return nil }
func (*instance) Close(context.Context) error { return nil }

func manifestOf(t *testing.T, backends string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spanloom.yaml")
	text := "version: \"1\"\ntelemetry:\n  service: { name: test }\n  backends:\n" + backends
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRunJoinsATrace has a span around the run and one inside a node: they are
// one trace, with the node between them.
func TestRunJoinsATrace(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(exporter))
	tracer := provider.Tracer("test")
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(manifestOf(t, "    - plugin: console\n      config: { color: never }\n")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tel.Shutdown(context.Background()) }()
	ctx, around := tracer.Start(t.Context(), "around")
	var node *callbacks.CallbackContext
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("n", func(ctx context.Context, n int) (int, error) {
			node = callbacks.FromContext(ctx)
			_, inside := tracer.Start(ctx, "inside")
			inside.End()
			return n, nil
		}), in)
	})
	if _, err := p.Run(ctx, 1, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	around.End()
	inside := exporter.GetSpans()[0]
	if inside.Parent.SpanID() != api.SpanID(node.SpanID()) || inside.SpanContext.TraceID() != around.SpanContext().TraceID() {
		t.Errorf("the span in the node is under %s, want %s", inside.Parent.SpanID(), node.SpanID())
	}
	if got := node.Root().ParentSpanID(); api.SpanID(got) != around.SpanContext().SpanID() {
		t.Errorf("the run is under %s, want %s", got, around.SpanContext().SpanID())
	}
}

// TestDeadBackendsChangeNothing has a backend that is missing, one that is no
// backend and one that cannot export; the run does not notice.
func TestDeadBackendsChangeNothing(t *testing.T) {
	path := manifestOf(t, `    - command: [/nowhere/spanloom-backend-missing]
    - { name: "true", command: [/bin/true] }
    - plugin: otlp
      config: { endpoint: "http://127.0.0.1:1" }
`)
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path), spanloom.AllowUnlocked())
	if err != nil {
		t.Fatal(err)
	}
	rec := &callbacktest.Recorder{}
	got, err := double.Run(t.Context(), 21, engine.Config{Callbacks: append(tel.Callbacks(), rec)})
	if got != 42 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	begin := time.Now()
	lost := tel.Shutdown(t.Context())
	if took := time.Since(begin); took > 3500*time.Millisecond {
		t.Errorf("Shutdown took %s", took)
	}
	lines := strings.Split(fmt.Sprint(lost), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want one for each backend:\n%v", len(lines), lost)
	}
	for i, want := range []string{"no file /nowhere/spanloom-backend-missing", "name a program that calls backend.Serve", "http://127.0.0.1:1"} {
		place := fmt.Sprintf("%s:%d:", path, 5+i)
		if !strings.HasPrefix(lines[i], place) || !strings.Contains(lines[i], " events") || !strings.Contains(lines[i], " lost: ") || !strings.Contains(lines[i], want) {
			t.Errorf("line %d is\n%s\nwant %s … lost … %s", i, lines[i], place, want)
		}
	}
	if again := tel.Shutdown(t.Context()); again == nil || again.Error() != lost.Error() {
		t.Errorf("Shutdown says %v the second time", again)
	}
}

// TestTheCauseIsToldForAnyNumberOfBatches exports to a port where nobody listens.
func TestTheCauseIsToldForAnyNumberOfBatches(t *testing.T) {
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("n", func(_ context.Context, n int) (int, error) { return n, nil }), in)
	})
	for _, items := range []int{100, 3000, 20000} {
		t.Run(fmt.Sprint(items), func(t *testing.T) {
			tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(manifestOf(t, "    - plugin: otlp\n      required: true\n      config: { endpoint: \"http://127.0.0.1:1\" }\n")))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Run(t.Context(), make([]int, items), engine.Config{Callbacks: tel.Callbacks()}); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			line := fmt.Sprint(tel.Shutdown(t.Context()))
			t.Logf("after %s: %s", time.Since(begin), line)
			if !strings.Contains(line, "connection refused") || !strings.Contains(line, "http://127.0.0.1:1") || strings.Contains(line, "\n") {
				t.Error(line)
			}
		})
	}
}

// TestValuesOfTheEnvironmentAreNotShown has one in the path of a command and one
// in an endpoint.
func TestValuesOfTheEnvironmentAreNotShown(t *testing.T) {
	const canary = "e5b2canary"
	t.Setenv("CANARY_HOST", canary+".invalid")
	t.Setenv("CANARY_DIR", "/nowhere/"+canary+"\x1b[31m")
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(manifestOf(t, `    - { name: a, command: ["${env:CANARY_DIR}/backend"] }
    - plugin: otlp
      config: { endpoint: "http://${env:CANARY_HOST}:4317" }
`)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := double.Run(t.Context(), 21, engine.Config{Callbacks: tel.Callbacks()}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	text := fmt.Sprint(tel.Flush(ctx), tel.Shutdown(t.Context()))
	if strings.Contains(text, canary) || strings.Contains(text, "\x1b") ||
		!strings.Contains(text, "${env:CANARY_DIR}/backend") || !strings.Contains(text, "http://${env:CANARY_HOST}:4317") {
		t.Error(text)
	}
	t.Log(text)
}

// TestNobodyReadsStandardError fills the pipe that is a program's standard error
// and never reads it. Output, warnings and lines about losses all go there.
func TestNobodyReadsStandardError(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	_ = w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for size := 4096; size > 0; size /= 4096 {
		for {
			if _, err := w.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
	path := manifestOf(t, "    - plugin: console\n    - command: [/nowhere/backend]\n")
	cmd := &exec.Cmd{Path: exe, Args: []string{"program"}, Dir: filepath.Dir(path), Env: os.Environ(), Stderr: w}
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	begin := time.Now()
	out, err := cmd.Output()
	if string(out) != "42 <nil> 4\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if took := time.Since(begin); took > 4500*time.Millisecond { // 3 s is for Shutdown
		t.Errorf("took %s", took)
	}
}

// TestTheReaderOfStandardErrorIsGone: what telemetry has to say then is lost, and the
// program is not.
func TestTheReaderOfStandardErrorIsGone(t *testing.T) {
	path := manifestOf(t, "    - plugin: console\n    - command: [/nowhere/backend]\n")
	for _, env := range []string{"A=b", "OTEL_SDK_DISABLED=true"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Args, cmd.Dir, cmd.Env, cmd.Stderr = []string{"program"}, filepath.Dir(path), append(os.Environ(), env, "SAY=1"), w
		if out, err := cmd.Output(); !strings.HasPrefix(string(out), "42 <nil> ") || err != nil {
			t.Errorf("%s: %q, %v", env, out, err)
		}
		_ = w.Close()
	}
}

func TestEmitAfterShutdown(t *testing.T) {
	tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(manifestOf(t, "    - plugin: console\n      config: { color: never }\n")))
	if err != nil {
		t.Fatal(err)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := double.Run(t.Context(), 1, engine.Config{Callbacks: tel.Callbacks()}); got != 2 || err != nil {
		t.Error(got, err)
	}
}

func TestOpenTwice(t *testing.T) {
	path := manifestOf(t, "    - plugin: console\n      config: { color: never }\n")
	for range 2 {
		tel, err := spanloom.Open(t.Context(), spanloom.WithManifest(path))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := tel.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}()
	}
}
