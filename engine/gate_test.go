package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// TestAFailureCountsMoreThanAStop has a node that fails after a gate beside it
// has stopped the pipeline, or the run, that both are in.
func TestAFailureCountsMoreThanAStop(t *testing.T) {
	t.Parallel()
	for _, d := range []engine.Decision{engine.StopPipeline, engine.StopRun} {
		running := make(chan struct{})
		inner := engine.Define("inner", func(g *graph, n num) num {
			gate := engine.Add(g, engine.Gate("gate", func(context.Context, int) (engine.Decision, error) {
				<-running
				return d, nil
			}), n)
			engine.Add(g, engine.Node("fails", func(ctx context.Context, _ int) (int, error) {
				close(running)
				<-ctx.Done()
				return 0, errBroken
			}), n)
			return gate
		})
		p := engine.Define("p", func(g *graph, n num) num {
			engine.Add(g, inner, n)
			return n
		})
		rec := &callbacktest.Recorder{}
		_, err := p.Run(t.Context(), 0, listen(rec))
		if !errors.Is(err, errBroken) {
			t.Errorf("%v, want the failure", err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
		for _, ev := range rec.Events() {
			if end, ok := ev.Event.(callbacks.PipelineEnd); ok && end.Result != callbacks.ResultFailure {
				t.Errorf("%s ended with %s", ev.Context.Path(), end.Result)
			}
		}
	}
}
