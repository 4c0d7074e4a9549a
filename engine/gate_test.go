package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

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

// TestFailedItemsOfAStoppedMap has a map that continues on error until a gate in
// its second item stops the run.
func TestFailedItemsOfAStoppedMap(t *testing.T) {
	t.Parallel()
	item := engine.Define("item", func(g *graph, n num) num {
		return engine.Add(g, engine.Gate("gate", func(_ context.Context, n int) (engine.Decision, error) {
			if n == 1 {
				return 0, errBroken
			}
			return engine.StopRun, nil
		}), n)
	})
	p := engine.Define("p", func(g *graph, n engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, item, n, engine.ContinueOnError(), engine.WithConcurrency(1))
	})
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(t.Context(), []int{1, 2, 3}, listen(rec)); !errors.Is(err, engine.ErrStopped) {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}

// TestCancelledAfterPartialResults cancels a run in which a map has failed items.
func TestCancelledAfterPartialResults(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := engine.Define("p", func(g *graph, n engine.Value[[]int]) num {
		list := engine.Map(g, engine.Node("fails", func(context.Context, int) (int, error) { return 0, errBroken }), n, engine.ContinueOnError())
		return engine.Add(g, engine.Node("cancels", func(ctx context.Context, _ []int) (int, error) {
			cancel()
			return 0, ctx.Err()
		}), list)
	})
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(ctx, []int{1}, listen(rec)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}

// TestAnAttemptBesideAStopIsNoFailure has a node that would be tried again, had a
// gate not stopped the run meanwhile.
func TestAnAttemptBesideAStopIsNoFailure(t *testing.T) {
	t.Parallel()
	running := make(chan struct{})
	p := engine.Define("p", func(g *graph, n num) num {
		engine.Add(g, engine.Node("fails", func(ctx context.Context, _ int) (int, error) {
			close(running)
			<-ctx.Done()
			time.Sleep(time.Millisecond) // until the run is halted, most likely
			return 0, errBroken
		}, engine.WithRetry(engine.Retry{Attempts: 2})), n)
		return engine.Add(g, engine.Gate("gate", func(context.Context, int) (engine.Decision, error) {
			<-running
			return engine.StopPipeline, nil
		}), n)
	})
	rec := &callbacktest.Recorder{}
	if _, err := p.Run(t.Context(), 0, listen(rec)); !errors.Is(err, engine.ErrStopped) {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}
