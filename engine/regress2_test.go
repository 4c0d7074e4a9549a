package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/runs"
)

func keep(t *testing.T) engine.Config {
	t.Helper()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Config{RunID: "r", Runs: dir}
}

// TestWhatWasMadeOfOtherInputsIsNotReplayed heals an item that had failed, or
// that a gate had stopped: what came of the others alone is worth nothing then.
func TestWhatWasMadeOfOtherInputsIsNotReplayed(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(int) (engine.Decision, error){
		"failure": func(int) (engine.Decision, error) { return 0, errBroken },
		"gate":    func(int) (engine.Decision, error) { return engine.StopPipeline, nil },
	} {
		healed := false
		get := engine.Gate("get", func(_ context.Context, n int) (engine.Decision, error) {
			if n == 2 && !healed {
				return broken(n)
			}
			return engine.Pass, nil
		})
		p := engine.Define("p", func(g *graph, in engine.Value[[]int]) num {
			return engine.Add(g, engine.Node("sum", sum), engine.Map(g, get, in, engine.ContinueOnError()))
		})
		cfg := keep(t)
		if got, _ := p.Run(t.Context(), []int{1, 2, 3}, cfg); got != 4 {
			t.Error(name, got)
		}
		healed = true
		if got, err := p.Run(t.Context(), []int{1, 2, 3}, cfg); got != 6 || err != nil {
			t.Error(name, got, err)
		}
	}
}

type hiddenInput struct{ n int }

// TestAnotherInputThatHasNoJSONForm cannot be told from the first one.
func TestAnotherInputThatHasNoJSONForm(t *testing.T) {
	t.Parallel()
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[hiddenInput]) num {
		return engine.Add(g, engine.Node("n", func(_ context.Context, in hiddenInput) (int, error) { return in.n, nil }), in)
	})
	cfg := keep(t)
	for n := range 3 {
		if got, err := p.Run(t.Context(), hiddenInput{n}, cfg); got != n || err != nil {
			t.Error(got, err)
		}
	}
}

type masked string

func (masked) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

type defaulted struct{ N int }

func (d *defaulted) UnmarshalJSON(data []byte) error {
	var raw struct{ N int }
	err := json.Unmarshal(data, &raw)
	d.N = max(raw.N, 7)
	return err
}

type withID struct{ ID int }

type shadowed struct {
	*withID

	ID int
}

type panics struct{ P *int }

func (p panics) MarshalJSON() ([]byte, error) { return json.Marshal(*p.P) }

type linked struct{ Next *linked }

func TestMoreThatJSONWouldChange(t *testing.T) {
	t.Parallel()
	different(t, masked("a"), masked("b"))
	different(t, defaulted{0}, defaulted{7})
	different(t, shadowed{&withID{1}, 1}, shadowed{&withID{2}, 1})
	different(t, (*[]int)(nil), new([]int))
	different(t, json.RawMessage(`{"a": 1}`), json.RawMessage(`{"a":1}`))
	different(t, json.Number("0"), json.Number(""))
	different(t, panics{}, panics{})
	lagos, berlin := time.FixedZone("WAT", 3600), time.FixedZone("CET", 3600)
	now := time.Now()
	different(t, now.In(lagos), now.In(berlin))
	long := &linked{}
	for range 2_000_000 {
		long = &linked{long}
	}
	if _, err := chainOf().Run(t.Context(), long, engine.Config{Cache: &shelf{}}); err != nil {
		t.Error(err)
	}
}

func chainOf() *engine.Pipeline[*linked, *linked] {
	return engine.Define("p", func(g *engine.Graph, in engine.Value[*linked]) engine.Value[*linked] {
		return engine.Add(g, engine.Node("n", func(_ context.Context, l *linked) (*linked, error) { return l, nil }), in, engine.WithCache(""))
	})
}

// TestTimesAreKept has what programs mostly give: the time now.
func TestTimesAreKept(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[time.Time]) engine.Value[time.Time] {
		return engine.Add(g, counted(&calls, "n", func(at time.Time) time.Time { return at.Add(time.Hour) }), in, engine.WithCache(""))
	})
	store, now := &shelf{}, time.Now()
	for _, at := range []time.Time{now, now, now.UTC(), now.UTC()} {
		if got, err := p.Run(t.Context(), at, engine.Config{Cache: store}); !got.Equal(at.Add(time.Hour)) || err != nil {
			t.Error(got, err)
		}
	}
	if n := calls.Load(); n > 2 {
		t.Error(n, "calls")
	}
}

type evil struct{}

func (*evil) Error() string        { return "evil" }
func (*evil) Is(target error) bool { panic(target) }
func (e *evil) ErrorType() string  { panic(e) }

// TestErrorsWhoseMethodsPanic come from nodes and causes, in a kept run.
func TestErrorsWhoseMethodsPanic(t *testing.T) {
	t.Parallel()
	for _, err := range []error{&evil{}, (*evil)(nil)} {
		ctx, cancel := context.WithCancelCause(t.Context())
		p := engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, engine.Node("n", func(context.Context, int) (int, error) {
				cancel(err)
				return 0, err
			}, engine.WithTimeout(time.Minute), engine.WithRetry(engine.Retry{Attempts: 2})), n)
		})
		if _, got := p.Run(ctx, 1, keep(t)); got == nil {
			t.Error("no error")
		}
		cancel(nil)
	}
}

// TestAStepMayRunItself has a cached step that starts a run of itself.
func TestAStepMayRunItself(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	var p *engine.Pipeline[int, int]
	depth := 0
	step := engine.Node("n", func(ctx context.Context, n int) (int, error) {
		if depth++; depth < 3 {
			return p.Run(ctx, n, engine.Config{Cache: store})
		}
		return n, nil
	}, engine.WithCache(""))
	p = engine.Define("p", func(g *graph, n num) num { return engine.Add(g, step, n) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got, err := p.Run(ctx, 5, engine.Config{Cache: store}); got != 5 || err != nil {
		t.Error(got, err)
	}
}

// TestEqualItemsThatFailDoNotWaitForEachOther measures by what is in flight.
func TestEqualItemsThatFailDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, engine.Node("n", func(context.Context, int) (int, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); {
				m = most.Load()
			}
			time.Sleep(time.Millisecond)
			return 0, errBroken
		}), in, engine.WithCache(""), engine.ContinueOnError())
	})
	if _, err := p.Run(t.Context(), make([]int, 200), engine.Config{Cache: &shelf{}}); err == nil {
		t.Error("no error")
	}
	if most.Load() < 2 {
		t.Error("they ran one after another")
	}
}

// TestAHookThatEndsItsGoroutineLandsFlights has another run wait for the node.
func TestAHookThatEndsItsGoroutineLandsFlights(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	p := engine.Define("p", func(g *graph, n num) num {
		return engine.Add(g, engine.Node("n", increment), n, engine.WithCache(""))
	})
	exits := callbacks.Funcs{NodeStart: func(*callbacks.CallbackContext, callbacks.NodeStart) { runtime.Goexit() }}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = p.Run(t.Context(), 1, engine.Config{Cache: store, Callbacks: []callbacks.PipelineCallback{exits}})
	}()
	<-ended
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got, err := p.Run(ctx, 1, engine.Config{Cache: store}); got != 2 || err != nil {
		t.Error(got, err)
	}
}

func TestItemErrorsAreInTheOrderOfTheItems(t *testing.T) {
	t.Parallel()
	inner := engine.Define("inner", func(g *graph, n num) engine.Value[[]int] {
		list := engine.Add(g, engine.Node("list", func(_ context.Context, n int) ([]int, error) { return make([]int, 300-n), nil }), n)
		return engine.Map(g, engine.Node("last", func(ctx context.Context, _ int) (int, error) {
			if callbacks.FromContext(ctx).Index() < 299 {
				return 0, nil
			}
			return 0, errBroken
		}), list)
	})
	p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[][]int] {
		return engine.Map(g, inner, in, engine.ContinueOnError())
	})
	in := make([]int, 150)
	_, err := p.Run(t.Context(), in)
	e, ok := errors.AsType[*engine.ItemsError](err)
	if !ok || e.Failed != 150 || len(e.Errors) != 100 || e.Errors[0].Path != "p/inner[0]/last[299]" || e.Errors[99].Path != "p/inner[99]/last[299]" {
		t.Error(err)
	}
}

func TestLongTimeoutsAndForeignCauses(t *testing.T) {
	t.Parallel()
	long := single(increment)
	if got, err := engine.Define("p", func(g *graph, n num) num {
		return engine.Add(g, long, n, engine.WithTimeout(1<<63-1))
	}).Run(t.Context(), 1); got != 2 || err != nil {
		t.Error(got, err)
	}
	_, foreign := single(func(context.Context, int) (int, error) { return 0, errBroken }).Run(t.Context(), 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(foreign)
	rec := &callbacktest.Recorder{}
	if _, err := long.Run(ctx, 1, listen(rec)); !errors.Is(err, errBroken) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := long.Run(ctx, 1, keep(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	} else if _, ok := errors.AsType[*engine.Error](err); !ok {
		t.Errorf("%T", err)
	}
}

// TestStepsThatRunEachOther has two cached steps, each of which starts a run of
// the other, at once: who waits for whom would be a circle.
func TestStepsThatRunEachOther(t *testing.T) {
	t.Parallel()
	for range 20 {
		store := &shelf{}
		var pa, pb *engine.Pipeline[int, int]
		var began atomic.Int32
		step := func(name string, other **engine.Pipeline[int, int]) *engine.Pipeline[int, int] {
			return single(func(ctx context.Context, n int) (int, error) {
				if began.Add(1) > 2 {
					return n, nil
				}
				for began.Load() < 2 {
					runtime.Gosched()
				}
				return (*other).Run(ctx, n, engine.Config{Cache: store})
			}, engine.WithCache(name))
		}
		pa, pb = step("a", &pb), step("b", &pa)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		var wg sync.WaitGroup
		for _, p := range []*engine.Pipeline[int, int]{pa, pb} {
			wg.Go(func() {
				if got, err := p.Run(ctx, 5, engine.Config{Cache: store}); got != 5 || err != nil {
					t.Error(got, err)
				}
			})
		}
		wg.Wait()
		cancel()
	}
}

// TestNoAttemptStartsAfterACancel cancels a run while a node waits to be tried
// again.
func TestNoAttemptStartsAfterACancel(t *testing.T) {
	t.Parallel()
	for range 500 {
		ctx, cancel := context.WithCancel(t.Context())
		var calls, late atomic.Int32
		failed := make(chan struct{})
		p := engine.Define("p", func(g *graph, n num) num {
			return engine.Add(g, engine.Node("down", func(ctx context.Context, _ int) (int, error) {
				if calls.Add(1) > 1 {
					late.Add(1)
				}
				return 0, errBroken
			}), n, engine.WithRetry(engine.Retry{Attempts: 5, Delay: 10 * time.Second}))
		})
		retrying := callbacks.Funcs{NodeRetry: func(*callbacks.CallbackContext, callbacks.NodeRetry) { close(failed) }}
		go func() {
			<-failed
			cancel()
		}()
		if _, err := p.Run(ctx, 1, listen(retrying)); !errors.Is(err, context.Canceled) || late.Load() > 0 {
			t.Fatal(err, late.Load())
		}
	}
}

// TestAStepThatChangesItsInput is on record with what it was given.
func TestAStepThatChangesItsInput(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	broken := true
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[[]int]) num {
		sorted := engine.Add(g, counted(&calls, "sort", func(l []int) []int { slices.Sort(l); return l }), in)
		return engine.Add(g, engine.Node("sum", func(ctx context.Context, l []int) (int, error) {
			if broken {
				return 0, errBroken
			}
			return sum(ctx, l)
		}), sorted)
	})
	cfg := keep(t)
	for range 2 {
		_, _ = p.Run(t.Context(), []int{3, 1, 2}, cfg)
		broken = false
	}
	if calls.Load() != 1 {
		t.Error(calls.Load(), "calls")
	}
}

// TestARefusedStartIsNotNoted keeps the record of a finished run as it was.
func TestARefusedStartIsNotNoted(t *testing.T) {
	t.Parallel()
	dir, err := runs.Open(t.TempDir()+"/runs", runs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := engine.Config{RunID: "r", Runs: dir}
	p := single(func(_ context.Context, n int) (int, error) { return n, nil })
	if _, err := p.Run(t.Context(), 1, cfg); err != nil {
		t.Fatal(err)
	}
	before, err := dir.Stat("r")
	if err != nil || before.Result != "success" {
		t.Fatal(before.Result, err)
	}
	same := engine.Define("p", func(_ *graph, v num) num { return v })
	for _, p := range []*engine.Pipeline[int, int]{p, same} {
		if n, err := p.Run(t.Context(), 2, cfg); err == nil || n != 0 {
			t.Errorf("another pipeline or input went on with the run: %d, %v", n, err)
		}
	}
	after, err := dir.Stat("r")
	if err != nil || after.Result != before.Result || after.Starts != before.Starts {
		t.Errorf("start %d with result %q became start %d with result %q: %v",
			before.Starts, before.Result, after.Starts, after.Result, err)
	}
}

// TestALateFailureOfATolerantItem fails an item a second time, after a gate has
// stopped the run: what Run returns is how the run ended.
func TestALateFailureOfATolerantItem(t *testing.T) {
	t.Parallel()
	begun, failed, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
	item := engine.Define("item", func(g *graph, in num) num {
		engine.Add(g, engine.Node("first", func(context.Context, int) (int, error) {
			<-begun
			return 0, errBroken
		}), in)
		return engine.Add(g, engine.Node("second", func(ctx context.Context, _ int) (int, error) {
			close(begun)
			<-ctx.Done() // the item has failed
			close(failed)
			<-stopped
			return 0, errors.New("late")
		}), in)
	})
	p := engine.Define("p", func(g *graph, in num) engine.Value[[]int] {
		engine.Add(g, engine.Gate("gate", func(context.Context, int) (engine.Decision, error) {
			<-failed
			return engine.StopRun, nil
		}), in)
		engine.Add(g, engine.Node("watch", func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			close(stopped)
			return 0, ctx.Err()
		}), in)
		list := engine.Add(g, engine.Node("list", func(_ context.Context, n int) ([]int, error) { return []int{n}, nil }), in)
		return engine.Map(g, item, list, engine.ContinueOnError())
	})
	rec := &callbacktest.Recorder{}
	_, err := p.Run(t.Context(), 1, listen(rec))
	events := rec.Events()
	if end := events[len(events)-1].Event.(callbacks.PipelineEnd); err == nil || end.Result != callbacks.ResultFailure ||
		!errors.Is(err, end.Err) {
		t.Errorf("the run ended with %s: %v, but Run returned %v", end.Result, end.Err, err)
	}
	if err := callbacktest.Check(events); err != nil {
		t.Error(err)
	}
}
