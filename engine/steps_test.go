package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// told returns what the hooks of a run said, without times, one line an event,
// in the order of the calls.
func told(rec *callbacktest.Recorder) string {
	var b strings.Builder
	for _, ev := range rec.Events() {
		fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(ev.Hook.String(), "On"), ev.Context.Path())
		switch e := ev.Event.(type) {
		case callbacks.NodeEnd:
			fmt.Fprintf(&b, " %s", e.Result)
			if e.Attempts > 1 {
				fmt.Fprintf(&b, " attempts=%d", e.Attempts)
			}
		case callbacks.PipelineEnd:
			fmt.Fprintf(&b, " %s", e.Result)
		case callbacks.NestedPipelineStart:
			fmt.Fprintf(&b, " > %s", e.Child.Path())
		case callbacks.NestedPipelineEnd:
			fmt.Fprintf(&b, " < %s %s", e.Child.Path(), e.Result)
		case callbacks.MapItemEnd:
			fmt.Fprintf(&b, " %s", e.Result)
		case callbacks.MapEnd:
			fmt.Fprintf(&b, " %s ok=%d failed=%d cached=%d skipped=%d", e.Result, e.Succeeded, e.Failed, e.Cached, e.Skipped)
		case callbacks.NodeSkipped:
			fmt.Fprintf(&b, " (%s)", e.Reason)
		case callbacks.NodeCached:
			fmt.Fprintf(&b, " %s", e.Reason)
		case callbacks.NodeRetry:
			fmt.Fprintf(&b, " after %d: %v", e.Attempt, e.Err)
		case callbacks.Failure:
			fmt.Fprintf(&b, " %s: %v", e.Result, e.Err)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// expect compares lines, and checks the contract.
func expect(t *testing.T, rec *callbacktest.Recorder, want string) {
	t.Helper()
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	var lines []string
	for l := range strings.Lines(want) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l+"\n")
		}
	}
	if got := told(rec); got != strings.Join(lines, "") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, ""))
	}
}

var (
	half   = engine.Node("half", func(_ context.Context, n int) (int, error) { return n / 2, nil })
	triple = engine.Node("triple", func(_ context.Context, n int) (int, error) { return 3*n + 1, nil })
	next   = engine.Define("next", func(g *graph, n num) num { return engine.Add(g, triple, n) })
	parity = engine.Branch("parity", func(_ context.Context, n int) (engine.Step[int, int], error) {
		if n%2 == 0 {
			return half, nil
		}
		return next, nil
	}, half, next)
)

func TestBranchRunsOneStepAndSkipsTheOthers(t *testing.T) {
	t.Parallel()
	p := engine.Define("p", func(g *graph, n num) num { return engine.Add(g, parity, n) })
	for in, want := range map[int]int{8: 4, 5: 16} {
		rec := &callbacktest.Recorder{}
		got, err := p.Run(t.Context(), in, listen(rec))
		if got != want || err != nil {
			t.Error(got, err)
		}
		if in == 8 {
			expect(t, rec, `PipelineStart p
				NodeStart p/parity
				NodeSkipped p/parity/next (the branch chose "half")
				NodeStart p/parity/half
				NodeEnd p/parity/half success
				NodeEnd p/parity success
				PipelineEnd p success`)
			continue
		}
		expect(t, rec, `PipelineStart p
			NodeStart p/parity
			NodeSkipped p/parity/half (the branch chose "next")
			NestedPipelineStart p/parity > p/parity/next
			PipelineStart p/parity/next
			NodeStart p/parity/next/triple
			NodeEnd p/parity/next/triple success
			PipelineEnd p/parity/next success
			NestedPipelineEnd p/parity < p/parity/next success
			NodeEnd p/parity success
			PipelineEnd p success`)
	}
}

func TestLoopRunsUntilItIsDone(t *testing.T) {
	t.Parallel()
	done := func(_ context.Context, n int) (bool, error) { return n == 1, nil }
	p := engine.Define("p", func(g *graph, n num) num {
		return engine.Add(g, engine.Loop("collatz", parity, done, 20), n)
	})
	rec := &callbacktest.Recorder{}
	got, err := p.Run(t.Context(), 4, listen(rec))
	if got != 1 || err != nil {
		t.Error(got, err)
	}
	expect(t, rec, `PipelineStart p
		NodeStart p/collatz
		NodeStart p/collatz#1/parity
		NodeSkipped p/collatz#1/parity/next (the branch chose "half")
		NodeStart p/collatz#1/parity/half
		NodeEnd p/collatz#1/parity/half success
		NodeEnd p/collatz#1/parity success
		NodeStart p/collatz#2/parity
		NodeSkipped p/collatz#2/parity/next (the branch chose "half")
		NodeStart p/collatz#2/parity/half
		NodeEnd p/collatz#2/parity/half success
		NodeEnd p/collatz#2/parity success
		NodeEnd p/collatz success
		PipelineEnd p success`)
	_, err = p.Run(t.Context(), 27)
	if err == nil || err.Error() != "p/collatz: not done after 20 rounds, the bound of the loop; raise it, or mend the condition" {
		t.Error(err)
	}
}

func TestGateStopsAPipeline(t *testing.T) {
	t.Parallel()
	decide := func(_ context.Context, n int) (engine.Decision, error) {
		switch {
		case n < 0:
			return engine.StopRun, nil
		case n == 0:
			return engine.StopPipeline, nil
		default:
			return engine.Pass, nil
		}
	}
	inner := engine.Define("inner", func(g *graph, n num) num {
		return engine.Add(g, half, engine.Add(g, engine.Gate("positive", decide), n))
	})
	p := engine.Define("p", func(g *graph, n num) num {
		a := engine.Add(g, inner, n)
		engine.Add(g, triple, a)
		return engine.Add(g, engine.Node("inc", increment), n)
	})
	rec := &callbacktest.Recorder{}
	got, err := p.Run(t.Context(), 0, engine.Config{Callbacks: []callbacks.PipelineCallback{rec}, Runner: engine.Sequential()})
	if got != 1 || err != nil {
		t.Error(got, err)
	}
	expect(t, rec, `PipelineStart p
		NestedPipelineStart p > p/inner
		PipelineStart p/inner
		NodeStart p/inner/positive
		NodeEnd p/inner/positive skip
		PipelineEnd p/inner skip
		NestedPipelineEnd p < p/inner skip
		NodeSkipped p/triple (a gate stopped what it needs)
		NodeStart p/inc
		NodeEnd p/inc success
		PipelineEnd p success`)

	if _, err = p.Run(t.Context(), -1); !errors.Is(err, engine.ErrStopped) || err.Error() != "p/inner/positive: stopped by a gate" {
		t.Error(err)
	}
	if got, err = p.Run(t.Context(), 4); got != 5 || err != nil {
		t.Error(got, err)
	}
	needs := engine.Define("needs", func(g *graph, n num) num { return engine.Add(g, triple, engine.Add(g, inner, n)) })
	rec = &callbacktest.Recorder{}
	if _, err = needs.Run(t.Context(), 0, listen(rec)); !errors.Is(err, engine.ErrStopped) {
		t.Error(err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	if end := rec.Events()[len(rec.Events())-1].Event.(callbacks.PipelineEnd); end.Result != callbacks.ResultSkip {
		t.Error(end)
	}
	items := engine.Define("items", func(g *graph, n engine.Value[[]int]) engine.Value[[]int] { return engine.Map(g, inner, n) })
	rec = &callbacktest.Recorder{}
	list, err := items.Run(t.Context(), []int{2, 0, 4}, listen(rec))
	if fmt.Sprint(list) != "[1 0 2]" || err != nil {
		t.Error(list, err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	flaky := engine.Node("flaky", func(ctx context.Context, n int) (int, error) {
		if a := callbacks.FromContext(ctx).Attempt(); a != int(calls.Add(1)) {
			t.Error(a)
		}
		if calls.Load() < 3 {
			return 0, errBroken
		}
		return n, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3, Delay: time.Millisecond}))
	p := engine.Define("p", func(g *graph, n num) num { return engine.Add(g, flaky, n) })
	rec := &callbacktest.Recorder{}
	if got, err := p.Run(t.Context(), 7, listen(rec)); got != 7 || err != nil {
		t.Error(got, err)
	}
	expect(t, rec, `PipelineStart p
		NodeStart p/flaky
		NodeRetry p/flaky after 1: broken
		NodeRetry p/flaky after 2: broken
		NodeEnd p/flaky success attempts=3
		PipelineEnd p success`)
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	slow := func(ctx context.Context, n int) (int, error) {
		<-ctx.Done()
		return n, ctx.Err()
	}
	release := make(chan struct{})
	deaf := func(context.Context, int) (int, error) {
		<-release
		return 0, nil
	}
	for name, fn := range map[string]func(context.Context, int) (int, error){"slow": slow, "deaf": deaf} {
		p := engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, engine.Node(name, fn), n, engine.WithTimeout(time.Millisecond))
		})
		rec := &callbacktest.Recorder{}
		_, err := p.Run(t.Context(), 7, listen(rec))
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "p/"+name+": timeout after 1ms" {
			t.Error(err)
		}
		expect(t, rec, `PipelineStart p
			NodeStart p/`+name+`
			Error p/`+name+` timeout: timeout after 1ms
			NodeEnd p/`+name+` timeout
			PipelineEnd p timeout`)
	}
	for engine.Abandoned() != 1 { // on a busy machine, the slow one too for a moment
		time.Sleep(time.Millisecond)
	}
	close(release)
	for engine.Abandoned() > 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestContinueOnError(t *testing.T) {
	t.Parallel()
	odd := func(_ context.Context, n int) (int, error) {
		if n%2 == 1 {
			return 0, errBroken
		}
		return n + 1, nil
	}
	node := engine.Node("odd", odd)
	nested := engine.Define("odd", func(g *graph, n num) num { return engine.Add(g, node, n) })
	for _, s := range []engine.Step[int, int]{node, nested} {
		p := engine.Define("p", func(g *graph, n engine.Value[[]int]) engine.Value[[]int] {
			return engine.Map(g, engine.Node("inc", increment), engine.Map(g, s, n, engine.ContinueOnError()))
		})
		rec := &callbacktest.Recorder{}
		got, err := p.Run(t.Context(), []int{0, 1, 2, 3}, listen(rec))
		if fmt.Sprint(got) != "[2 1 4 1]" {
			t.Error(got)
		}
		inside := ""
		if s == nested {
			inside = "/odd"
		}
		want := "p/odd: 2 of 4 items failed\n\tp/odd[1]" + inside + ": broken\n\tp/odd[3]" + inside + ": broken"
		if err == nil || err.Error() != want || !errors.Is(err, errBroken) {
			t.Errorf("%v\nwant %s", err, want)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	}
}

func TestMap2AndPairs(t *testing.T) {
	t.Parallel()
	add := engine.Node2("add", func(_ context.Context, a, b int) (int, error) { return a + b, nil })
	sum := engine.Define("sum", func(g *graph, in engine.Value[engine.Pair[int, int]]) num {
		a := engine.Field(g, in, func(p engine.Pair[int, int]) int { return p.First })
		b := engine.Field(g, in, func(p engine.Pair[int, int]) int { return p.Second })
		return engine.Add2(g, add, a, b)
	})
	pairNode := engine.Node("pair", func(_ context.Context, p engine.Pair[int, int]) (int, error) { return p.First + p.Second, nil })
	for _, s := range []engine.Step2[int, int, int]{add, engine.Paired(sum), engine.Paired(pairNode)} {
		p := engine.Define("p", func(g *graph, n num) engine.Value[[]int] {
			list := engine.Collect(g, n, engine.Add2(g, s, n, n, engine.WithName("first")))
			return engine.Map2(g, s, list, n)
		})
		rec := &callbacktest.Recorder{}
		got, err := p.Run(t.Context(), 3, listen(rec))
		if fmt.Sprint(got) != "[6 9]" || err != nil {
			t.Error(got, err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	}
}

func TestCallbacksOfAPart(t *testing.T) {
	t.Parallel()
	var all, replaced, added callbacktest.Recorder
	inc := engine.Node("inc", increment)
	sub := func(name string, opts ...engine.Option) *engine.Pipeline[int, int] {
		return engine.Define(name, func(g *graph, n num) num { return engine.Add(g, inc, n) }, opts...)
	}
	p := engine.Define("p", func(g *graph, n num) num {
		n = engine.Add(g, sub("replaced", engine.WithCallbacks(&replaced)), n)
		n = engine.Add(g, sub("added"), n, engine.AddCallbacks(&added))
		n = engine.Add(g, sub("silent", engine.WithCallbacks()), n)
		return engine.Add(g, inc, n)
	})
	if got, err := p.Run(t.Context(), 0, listen(&all)); got != 4 || err != nil {
		t.Error(got, err)
	}
	inside := func(name string) string {
		return strings.ReplaceAll(`NestedPipelineStart p > p/X
			PipelineStart p/X
			NodeStart p/X/inc
			NodeEnd p/X/inc success
			PipelineEnd p/X success
			NestedPipelineEnd p < p/X success
			`, "X", name)
	}
	border := func(name string) string {
		return strings.ReplaceAll("NestedPipelineStart p > p/X\nNestedPipelineEnd p < p/X success\n", "X", name)
	}
	expect(t, &replaced, inside("replaced"))
	expect(t, &added, inside("added"))
	expect(t, &all, "PipelineStart p\n"+border("replaced")+inside("added")+border("silent")+`NodeStart p/inc
		NodeEnd p/inc success
		PipelineEnd p success`)
}

func TestSequentialKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []string
	step := func(name string) engine.Step[int, int] {
		return engine.Node(name, func(ctx context.Context, n int) (int, error) {
			mu.Lock()
			order = append(order, callbacks.FromContext(ctx).Path())
			mu.Unlock()
			return n, nil
		})
	}
	p := engine.Define("p", func(g *graph, n num) engine.Value[[]int] {
		list := engine.Collect(g, engine.Add(g, step("a"), n), engine.Add(g, step("b"), n), engine.Add(g, step("c"), n))
		return engine.Map(g, step("d"), list)
	})
	if _, err := p.Run(t.Context(), 1, engine.Config{Runner: engine.Sequential()}); err != nil {
		t.Error(err)
	}
	if got, want := strings.Join(order, " "), "p/a p/b p/c p/d[0] p/d[1] p/d[2]"; got != want {
		t.Error(got)
	}
}
