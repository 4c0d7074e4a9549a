//go:build unix && !aix && !solaris

package telemetry

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

// The test binary is the program that is killed when this variable has its directory.
const killedVariable = "SPANLOOM_TEST_TELEMETRY_KILLED"

func init() {
	if dir := os.Getenv(killedVariable); dir != "" {
		program = func() error { return killed(dir) }
	}
}

// written is a span as the killed program has exported it.
type written struct {
	Name, Trace, Span, Parent string
}

func writtenOf(s sdktrace.ReadOnlySpan) written {
	return written{s.Name(), s.SpanContext().TraceID().String(), s.SpanContext().SpanID().String(), s.Parent().SpanID().String()}
}

// writer exports to standard output.
type writer struct{}

func (writer) ExportSpans(_ context.Context, list []sdktrace.ReadOnlySpan) error {
	for _, s := range list {
		if err := json.NewEncoder(os.Stdout).Encode(writtenOf(s)); err != nil {
			return err
		}
	}
	return nil
}

func (writer) Shutdown(context.Context) error { return nil }

// nightly is a pipeline of which a node calls during.
func nightly(during func(context.Context)) *engine.Pipeline[int, int] {
	list := engine.Node("list", func(_ context.Context, n int) ([]int, error) { return []int{n, n + 1, n + 2}, nil })
	load := engine.Node("load", func(_ context.Context, n int) (int, error) { return n, nil })
	embed := engine.Node("embed", func(ctx context.Context, n int) (int, error) {
		if n == 2 {
			during(ctx)
		}
		return n, nil
	})
	sum := engine.Node("sum", func(_ context.Context, list []int) (int, error) { return len(list), nil })
	item := engine.Define("item", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, embed, engine.Add(g, load, n))
	})
	features := engine.Define("features", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, sum, engine.Map(g, item, engine.Add(g, list, n)))
	})
	return engine.Define("nightly", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, features, n)
	})
}

// killed is the program. It exports what has ended, then says so and waits for its end.
func killed(dir string) error {
	store, err := runs.Open(dir, runs.Options{})
	if err != nil {
		return err
	}
	cb := NewCallback(Exporters{Spans: writer{}})
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(writer{}))
	p := nightly(func(ctx context.Context) {
		_, own := provider.Tracer("").Start(ctx, "of the node's code")
		own.End()
		if err := cb.Flush(ctx); err != nil {
			panic(err)
		}
		fmt.Println("{}")
		_, _ = io.Copy(io.Discard, os.Stdin)
	})
	_, err = p.Run(context.Background(), 1, engine.Config{
		RunID: "nightly", Runs: store, Concurrency: 1, Callbacks: []callbacks.PipelineCallback{cb},
	})
	return err
}

// kill runs the program, kills it while a node runs, and returns what it had exported.
func kill(t *testing.T, dir string) (list []written) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), killedVariable+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var s written
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		if s == (written{}) {
			break
		}
		list = append(list, s)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return list
}

// TestAKilledRunHasAllItsSpans has a program that is killed in the middle of a run,
// and one that finds it: the trace has every span that another stands in.
func TestAKilledRunHasAllItsSpans(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"nightly", "another"} {
		dir := filepath.Join(t.TempDir(), "runs")
		began := time.Now()
		before := kill(t, dir)
		died := time.Now()

		exp, rec := tracetest.NewInMemoryExporter(), &callbacktest.Recorder{}
		cb := NewCallback(Exporters{Spans: exp})
		store, err := runs.Open(dir, runs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = nightly(func(context.Context) {}).Run(t.Context(), 1, engine.Config{
			RunID: id, Runs: store, Callbacks: []callbacks.PipelineCallback{cb, rec},
		})
		for _, err := range []error{err, callbacktest.Check(rec.Events()), cb.Flush(t.Context()), store.Close()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var closed []string
		all := map[string]written{}
		for _, s := range before {
			all[s.Span] = s
		}
		traceID := before[0].Trace
		for _, s := range exp.GetSpans().Snapshots() {
			w := writtenOf(s)
			if s.Status().Description != (crashed{}).Error() {
				if id == "nightly" {
					all[w.Span] = w
				}
				continue
			}
			closed = append(closed, w.Name)
			if was, ok := all[w.Span]; ok || w.Trace != traceID {
				t.Errorf("%v has ended already, or is of another trace: %v", w, was)
			}
			all[w.Span] = w
			stub := tracetest.SpanStubFromReadOnlySpan(s)
			a := attrs(stub)
			if s.Status().Code != codes.Error || a["error.type"] != "crashed" || a[string(keyResult)] != "error" {
				t.Errorf("%s: %v %v", w.Name, s.Status(), a)
			}
			if s.StartTime().Before(began) || s.EndTime().After(died) || !s.EndTime().After(s.StartTime()) {
				t.Errorf("%s is from %s to %s, the program from %s to %s", w.Name, s.StartTime(), s.EndTime(), began, died)
			}
			wantKind := trace.SpanKindInternal
			if w.Name == "pipeline nightly" {
				wantKind = trace.SpanKindServer
			}
			if s.SpanKind() != wantKind {
				t.Errorf("%s is of kind %s", w.Name, s.SpanKind())
			}
			if strings.HasPrefix(w.Name, "node") && (a[string(keyNodeSignature)] == nil || a["code.function.name"] == nil || a[string(keyPath)] != "nightly/features/item[1]/embed") {
				t.Errorf("%s: %v", w.Name, a)
			}
		}
		if diff := cmp.Diff([]string{"node embed", "pipeline item", "map_item item", "map item", "pipeline features", "pipeline nightly"}, closed); diff != "" {
			t.Errorf("%s (-want +got)\n%s", id, diff)
		}
		for _, s := range all {
			if _, ok := all[s.Parent]; !ok && s.Name != "pipeline nightly" {
				t.Errorf("the parent of %v is missing", s)
			}
			if s.Trace != traceID {
				t.Errorf("%v is in another trace than %s", s, traceID)
			}
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
