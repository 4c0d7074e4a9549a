package engine_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

var update = flag.Bool("update", false, "write the golden files")

type (
	query struct{ Day string }
	row   struct{ ID, Size int }
	vec   []float64
)

// daily is a pipeline that has everything.
func daily() *engine.Pipeline[query, string] {
	fetch := engine.Node("fetch", func(context.Context, query) ([]row, error) { return nil, nil },
		engine.WithRetry(engine.Retry{Attempts: 3, Delay: 100 * time.Millisecond, Retryable: func(error) bool { return true }}))
	fresh := engine.Gate("fresh", func(context.Context, []row) (engine.Decision, error) { return engine.Pass, nil })
	embed := engine.Node("embed", func(context.Context, row) (vec, error) { return nil, nil }, engine.WithCache("v2"))
	small := engine.Node("small", func(_ context.Context, r row) (row, error) { return r, nil })
	large := engine.Define("large", func(g *graph, r engine.Value[row]) engine.Value[row] {
		return engine.Add(g, small, engine.Add(g, small, r, engine.WithName("halve")), engine.WithTimeout(0))
	}, engine.WithCallbacks())
	shrink := engine.Branch("shrink", func(context.Context, row) (engine.Step[row, row], error) { return small, nil }, small, large)
	settle := engine.Loop("settle", shrink, func(context.Context, row) (bool, error) { return true, nil }, 10)
	features := engine.Define("features", func(g *graph, rows engine.Value[[]row]) engine.Value[[]vec] {
		return engine.Map(g, embed, engine.Map(g, settle, rows), engine.ContinueOnError())
	}, engine.WithConcurrency(4), engine.AddCallbacks(callbacks.Funcs{}))
	sum := engine.Node2("sum", func(context.Context, [][]vec, string) (string, error) { return "", nil })
	return engine.Define("daily", func(g *graph, q engine.Value[query]) engine.Value[string] {
		rows := engine.Add(g, fresh, engine.Add(g, fetch, q))
		a := engine.Add(g, features, rows, engine.WithRetry(engine.Retry{Attempts: 2}))
		b := engine.Add(g, features, rows, engine.WithName("again"), engine.WithRunner(engine.Sequential()))
		return engine.Add2(g, sum, engine.Collect(g, a, b), engine.Field(g, q, func(q query) string { return q.Day }), engine.WithoutCache())
	}, engine.WithTimeout(5*time.Second), engine.WithCache("v1"))
}

func TestExplainGolden(t *testing.T) {
	t.Parallel()
	e := daily().Explain(engine.Config{Callbacks: []callbacks.PipelineCallback{&callbacktest.Recorder{}}, Cache: &shelf{}})
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"tree.txt": e.String(), "json": string(data) + "\n", "mmd": e.Mermaid()} {
		file := filepath.Join("testdata", "explain", "daily."+name)
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
}
