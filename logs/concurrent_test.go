package logs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// TestConcurrentRuns has eight runs log at once, through one logger and to both
// sinks, what nodes say inside groups included.
func TestConcurrentRuns(t *testing.T) {
	const runs, items = 8, 50
	var b buffer
	sink := &processor{}
	l := logged(t, &b, Config{Level: "debug", Provider: provider(t, sink)})
	cb := Lifecycle(l)
	grouped := l.With("a", 1).WithGroup("g").With("b", 2)
	say := engine.Node("say", func(ctx context.Context, n int) (int, error) {
		grouped.InfoContext(ctx, "said", "n", n, "run", callbacks.FromContext(ctx).RunID(), "span", callbacks.FromContext(ctx).SpanID().String())
		return n, nil
	})
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, say, list)
	})
	recs := make([]*callbacktest.Recorder, runs)
	var wg sync.WaitGroup
	for i := range runs {
		recs[i] = &callbacktest.Recorder{}
		wg.Go(func() {
			_, err := p.Run(context.Background(), make([]int, items), engine.Config{
				RunID: fmt.Sprint("r", i), Callbacks: []callbacks.PipelineCallback{cb, recs[i]},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()

	records := b.records(t)
	of := map[any][]map[string]any{}
	for _, r := range records {
		of[r[keyRunID]] = append(of[r[keyRunID]], r)
		if g, ok := r["g"].(map[string]any); ok && (g["run"] != r[keyRunID] || g["span"] != r[keySpanID] || r["a"] != 1.0 || g["b"] != 2.0) {
			t.Errorf("a record of another node: %v", r)
		}
	}
	const each = 4 + 3*items // run and map; start, end and what the node says
	for i, rec := range recs {
		mine := of[fmt.Sprint("r", i)]
		if len(mine) != each {
			t.Errorf("run %d has %d records, want %d", i, len(mine), each)
		}
		findByIDs(t, mine, rec.Events())
	}

	forwarded := map[string]int{} // how many of which trace
	for _, r := range sink.all() {
		forwarded[r.TraceID().String()]++
	}
	for _, mine := range of {
		if n := forwarded[mine[0][keyTraceID].(string)]; n != each {
			t.Errorf("%d records were forwarded for a run, want %d", n, each)
		}
	}
}

// TestSharedHandler derives loggers from one while it logs.
func TestSharedHandler(t *testing.T) {
	base := slog.New(NewHandler(slog.NewJSONHandler(&buffer{}, nil))).WithGroup("g").With("a", 1)
	cc := node(context.Background())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				base.With("i", i).WithGroup("h").InfoContext(cc, "m", "x", 1)
				base.InfoContext(cc, "m", "x", 1)
			}
		})
	}
	wg.Wait()
}
