package engine_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// TestANodeThatNobodyHearsIsTheSame runs a pipeline with and without a callback:
// what its code sees of the run, and what Run returns, is the same.
func TestANodeThatNobodyHearsIsTheSame(t *testing.T) {
	t.Parallel()
	type seen struct {
		path, name string
		kind       callbacks.Kind
		depth      int
	}
	for _, tt := range []struct{ end, at string }{
		{"well", ""},
		{"error", "p/inner/b"},
		{"panic", "p/inner/b"},
		{"goexit", "p/inner/b"},
		{"error", "p/each[1]"},
		{"panic", "p/each[1]"},
		{"goexit", "p/each[1]"},
	} {
		t.Run(tt.end+tt.at, func(t *testing.T) {
			t.Parallel()
			var saw []seen
			look := func(ctx context.Context, n int) (int, error) {
				cc := callbacks.FromContext(ctx)
				saw = append(saw, seen{cc.Path(), cc.Name(), cc.Kind(), cc.Depth()})
				if cc.Path() == tt.at {
					switch tt.end {
					case "error":
						return 0, errBroken
					case "panic":
						panic("broken")
					case "goexit":
						runtime.Goexit()
					}
				}
				return n + 1, nil
			}
			inner := engine.Define("inner", func(g *graph, v num) num {
				v = engine.Add(g, engine.Node("a", look), v)
				return engine.Add(g, engine.Node("b", look), v)
			})
			p := engine.Define("p", func(g *graph, v num) num {
				v = engine.Add(g, engine.Node("first", look), v)
				v = engine.Add(g, inner, v)
				v = engine.Add(g, engine.Node("last", look), v)
				each := engine.Map(g, engine.Node("each", look), engine.Collect(g, v, v), engine.WithConcurrency(1))
				return engine.Add(g, engine.Node("sum", sum), each)
			})
			run := func(cfg ...engine.Config) (n int, e *engine.Error, _ []seen) {
				saw = nil
				done := make(chan struct{})
				go func() { // which a node may end
					defer close(done)
					var err error
					n, err = p.Run(t.Context(), 1, cfg...)
					e, _ = errors.AsType[*engine.Error](err)
				}()
				<-done
				return n, e, saw
			}
			n, err, quiet := run()
			heard, heardErr, loud := run(listen(&callbacktest.Recorder{}))
			if n != heard || !slices.Equal(quiet, loud) {
				t.Errorf("%d, %v without a callback; %d, %v with", n, quiet, heard, loud)
			}
			if (err == nil) != (heardErr == nil) || err != nil && (err.Path != heardErr.Path || err.Path != tt.at) {
				t.Errorf("%v without a callback; %v with", err, heardErr)
			}
		})
	}
}

// TestASmallRunAllocatesLittle has steps whose contexts a plan cannot count.
func TestASmallRunAllocatesLittle(t *testing.T) {
	if raced {
		t.Skip("with the race detector, pools forget on purpose")
	}
	inc := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	for name, step := range map[string]engine.Step[int, int]{
		"branch": engine.Branch("b", func(context.Context, int) (engine.Step[int, int], error) { return inc, nil }, inc),
		"loop":   engine.Loop("l", inc, func(_ context.Context, n int) (bool, error) { return n > 2, nil }, 3),
	} {
		p := engine.Define("p", func(g *graph, v num) num { return engine.Add(g, step, v) })
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := p.Run(context.Background(), 1); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / runs; each > 4096 {
			t.Errorf("%s: a run allocates %d bytes", name, each)
		}
	}
}

// TestWhatHasEndedEmitsNothing asks for branches, loops and items that are
// pipelines, whose code another step kept.
func TestWhatHasEndedEmitsNothing(t *testing.T) {
	t.Parallel()
	var kept context.Context
	id := engine.Node("id", func(_ context.Context, n int) (int, error) { return n, nil })
	for name, step := range map[string]engine.Step[int, int]{
		"branch": engine.Branch("b", func(ctx context.Context, _ int) (engine.Step[int, int], error) { kept = ctx; return id, nil }, id), //nolint:fatcontext // kept on purpose
		"loop":   engine.Loop("l", id, func(ctx context.Context, _ int) (bool, error) { kept = ctx; return true, nil }, 3),               //nolint:fatcontext // as above
	} {
		p := engine.Define("p", func(g *graph, v num) num {
			return engine.Add(g, engine.Node("after", func(_ context.Context, n int) (int, error) {
				if engine.Emit(kept, "late") || !callbacks.FromContext(kept).Ended() {
					t.Errorf("a %s has not ended", name)
				}
				return n, nil
			}), engine.Add(g, step, v))
		})
		rec := &callbacktest.Recorder{}
		if _, err := p.Run(t.Context(), 1, listen(rec)); err != nil {
			t.Fatal(err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	}
}
