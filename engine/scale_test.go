package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// usage is the most that a program has used.
type usage struct {
	heap       uint64 // bytes
	goroutines int
}

// most calls f and returns the most it has used beyond what was used before. Its
// caller must not be parallel.
func most(f func()) usage {
	runtime.GC()
	before, now := measure(), usage{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			m := measure()
			now.heap, now.goroutines = max(now.heap, m.heap), max(now.goroutines, m.goroutines)
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return usage{now.heap - min(before.heap, now.heap), now.goroutines - before.goroutines - 1}
}

func measure() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{m.HeapAlloc, runtime.NumGoroutine()}
}

// fewer returns a number for -short and the race detector.
func fewer(full, few int) int {
	if testing.Short() || raced {
		return few
	}
	return full
}

const (
	mib = 1 << 20
	// few is how many goroutines a run may have beside its limit: that of Run, the
	// watch, a timer.
	few = 8
)

// TestAMillionItems maps a million items. Seen with two processors: 17 to 26 MiB
// above the results, garbage mostly, and up to 63 goroutines.
func TestAMillionItems(t *testing.T) {
	n := fewer(1_000_000, 50_000)
	block := func(_ context.Context, v int) (int, error) {
		if v%1000 == 0 {
			time.Sleep(time.Millisecond) // so that there is a reason for many goroutines
		}
		return v + 1, nil
	}
	node := engine.Node("item", block)
	body := engine.Define("item", func(g *graph, v num) num { return engine.Add(g, node, v) })
	var heard atomic.Int64
	count := callbacks.Funcs{
		MapItemStart: func(*callbacks.CallbackContext, callbacks.MapItemStart) { heard.Add(1) },
		MapItemEnd:   func(*callbacks.CallbackContext, callbacks.MapItemEnd) { heard.Add(1) },
	}
	for name, tt := range map[string]struct {
		step    engine.Step[int, int]
		options []engine.Option
		config  engine.Config
	}{
		"alone":        {step: node},
		"listener":     {step: node, config: listen(count)},
		"guarded":      {step: node, options: []engine.Option{engine.WithRetry(engine.Retry{Attempts: 2})}},
		"limited":      {step: node, options: []engine.Option{engine.WithConcurrency(8)}},
		"pipeline":     {step: body},
		"limited body": {step: body, options: []engine.Option{engine.WithConcurrency(8)}},
		"tolerant":     {step: body, options: []engine.Option{engine.ContinueOnError()}, config: listen(count)},
	} {
		t.Run(name, func(t *testing.T) {
			p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]int] {
				return engine.Map(g, tt.step, in, tt.options...)
			})
			in := make([]int, n)
			for i := range in {
				in[i] = i
			}
			heard.Store(0)
			var out []int
			var err error
			begun := time.Now()
			used := most(func() { out, err = p.Run(t.Context(), in, tt.config) })
			took := time.Since(begun)
			if err != nil || len(out) != n || out[n-1] != n {
				t.Fatal(err)
			}
			if got := heard.Load(); tt.config.Callbacks != nil && got != 2*int64(n) {
				t.Errorf("%d hooks are heard", got)
			}
			above := int(used.heap) - 8*n
			t.Logf("%d MiB above results, %d goroutines, %s", above/mib, used.goroutines, took)
			if used.goroutines > 64+few || above > 128*mib {
				t.Errorf("%d MiB above results, %d goroutines", above/mib, used.goroutines)
			}
		})
	}
}

// TestAMillionLargeResults has results of 1 KiB. Seen: 3 MiB above them.
func TestAMillionLargeResults(t *testing.T) {
	n := fewer(1_000_000, 20_000)
	p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[][]byte] {
		return engine.Map(g, engine.Node("item", func(_ context.Context, i int) ([]byte, error) {
			b := make([]byte, 1024)
			b[0] = byte(i)
			return b, nil
		}), in)
	})
	in := make([]int, n)
	var out [][]byte
	used := most(func() { out, _ = p.Run(t.Context(), in) })
	above := int(used.heap) - n*(1024+24)
	t.Logf("%d MiB above results, %d goroutines", above/mib, used.goroutines)
	if len(out) != n || above > 256*mib || used.goroutines > 64+few {
		t.Errorf("%d results, %d MiB above them, %d goroutines", len(out), above/mib, used.goroutines)
	}
}

// TestDefinitionsAreLinear compares what a node costs in a small and in a large
// pipeline, by what is allocated.
func TestDefinitionsAreLinear(t *testing.T) {
	shapes := map[string]func(g *graph, v num, steps []engine.Step[int, int]) num{
		"chain": func(g *graph, v num, steps []engine.Step[int, int]) num {
			for _, s := range steps {
				v = engine.Add(g, s, v)
			}
			return v
		},
		"fan": func(g *graph, v num, steps []engine.Step[int, int]) num {
			all := make([]num, len(steps))
			for i, s := range steps {
				all[i] = engine.Add(g, s, v)
			}
			return engine.Field(g, engine.Collect(g, all...), func(l []int) int { return len(l) })
		},
		"nested": func(g *graph, v num, steps []engine.Step[int, int]) num {
			for i := 0; i < len(steps); i += 10 {
				v = engine.Add(g, engine.Define(fmt.Sprint("inner", i), func(g *graph, v num) num {
					for _, s := range steps[i : i+10] {
						v = engine.Add(g, s, v)
					}
					return v
				}), v)
			}
			return v
		},
		"maps": func(g *graph, v num, steps []engine.Step[int, int]) num {
			list := engine.Collect(g, v)
			for _, s := range steps {
				list = engine.Map(g, s, list)
			}
			return engine.Field(g, list, func(l []int) int { return l[0] })
		},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			cost := func(n int) (number, bytes float64) {
				steps := make([]engine.Step[int, int], n)
				for i := range steps {
					steps[i] = engine.Node(fmt.Sprint("n", i), increment)
				}
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				p := engine.Define("p", func(g *graph, v num) num { return shape(g, v, steps) })
				_, err := p.Run(t.Context(), 0)
				runtime.ReadMemStats(&after)
				if err != nil {
					t.Fatal(err)
				}
				return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
			}
			n1, b1 := cost(10_000)
			n2, b2 := cost(100_000)
			t.Logf("a node of 10,000 costs %.1f allocations, %.0f bytes; one of 100,000 %.1f, %.0f", n1, b1, n2, b2)
			if n2 > 1.2*n1 || b2 > 1.5*b1 { // slices and tables grow in steps
				t.Error("that is not linear")
			}
		})
	}
}

// nest is a node in so many pipelines.
func nest(depth int) *engine.Pipeline[int, int] {
	p := engine.Define("p", func(g *graph, v num) num { return engine.Add(g, engine.Node("n", increment), v) })
	for range depth - 1 {
		inner := p
		p = engine.Define("p", func(g *graph, v num) num { return engine.Add(g, inner, v) })
	}
	return p
}

func TestNestingAtTheLimit(t *testing.T) {
	const limit = 1000
	rec := &callbacktest.Recorder{}
	got, err := nest(limit).Run(t.Context(), 1, listen(rec))
	if got != 2 || err != nil {
		t.Error(got, err)
	}
	if err := callbacktest.Check(rec.Events()); err != nil {
		t.Error(err)
	}
	deepest := 0
	for _, ev := range rec.Events() {
		deepest = max(deepest, ev.Context.Depth())
	}
	if deepest != limit-1 {
		t.Error(deepest)
	}
	if nest(limit+1).Err() == nil {
		t.Errorf("%d pipelines may be nested", limit+1)
	}
}

func TestAMapOfAMapOfAMap(t *testing.T) {
	size := fewer(100, 30)
	list := make([]int, size)
	expand := engine.Node("expand", func(context.Context, int) ([]int, error) { return list, nil })
	sum := engine.Node("sum", func(_ context.Context, all []int) (s int, _ error) {
		for _, v := range all {
			s += v
		}
		return s, nil
	})
	step := engine.Node("inc", increment)
	for i := range 3 {
		inner := step
		step = engine.Define(fmt.Sprint("level", i), func(g *graph, v num) num {
			return engine.Add(g, sum, engine.Map(g, inner, engine.Add(g, expand, v)))
		})
	}
	p := engine.Define("p", func(g *graph, v num) num { return engine.Add(g, step, v) })
	var items, ends atomic.Int64
	var got int
	var err error
	used := most(func() {
		got, err = p.Run(t.Context(), 0, listen(callbacks.Funcs{
			MapItemEnd: func(*callbacks.CallbackContext, callbacks.MapItemEnd) { items.Add(1) },
			MapEnd:     func(*callbacks.CallbackContext, callbacks.MapEnd) { ends.Add(1) },
		}))
	})
	n := int64(size)
	if got != size*size*size || err != nil || items.Load() != n+n*n+n*n*n || ends.Load() != 1+n+n*n {
		t.Error(got, err, items.Load(), ends.Load())
	}
	t.Logf("%d MiB, %d goroutines", used.heap/mib, used.goroutines)
	if used.goroutines > 64+few || used.heap > 128*mib {
		t.Errorf("%d MiB, %d goroutines", used.heap/mib, used.goroutines)
	}
}

// settle waits until the goroutines that a run has ended are gone.
func settle(t *testing.T, before int) {
	t.Helper()
	for begun := time.Now(); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-before)
		}
	}
}

// TestCancellationStorm cancels runs of many items that wait for it. Seen with two
// processors: Run returned 0.15 s after the cancel of 100,000 that waited.
func TestCancellationStorm(t *testing.T) {
	n := fewer(100_000, 5_000)
	for _, tt := range []struct{ limit, after int }{
		{n / 10, n / 10}, {n / 10, 1 + rand.IntN(n/10)}, {n / 10, 1 + rand.IntN(n/10)}, {n, n}, {n, 1 + rand.IntN(n)},
	} {
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(t.Context())
		var waiting atomic.Int64
		var at atomic.Int64
		epoch := time.Now()
		p := mapOf(func(ctx context.Context, v int) (int, error) {
			if waiting.Add(1) == int64(tt.after) {
				at.Store(int64(time.Since(epoch)))
				cancel()
			}
			<-ctx.Done()
			return v, ctx.Err()
		})
		rec := &callbacktest.Recorder{}
		c := listen(rec)
		c.Concurrency = tt.limit
		_, err := p.Run(ctx, make([]int, n), c)
		took := time.Since(epoch) - time.Duration(at.Load())
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		settle(t, before)
		t.Logf("limit %d, cancelled after %d began, %d did: %s", tt.limit, tt.after, waiting.Load(), took)
		if took > 5*time.Second {
			t.Errorf("Run returned %s after the cancel", took)
		}
		if waiting.Load() > int64(tt.limit) {
			t.Errorf("%d items began, with a limit of %d", waiting.Load(), tt.limit)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Error(err)
		}
	}
}

// TestCancelledAtAnyEvent cancels a run of all kinds of steps when one of its
// hooks is called, in that hook.
func TestCancelledAtAnyEvent(t *testing.T) {
	wait := engine.Node("wait", func(ctx context.Context, v int) (int, error) {
		if v%7 == 3 {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return v, nil
	})
	flaky := engine.Node("flaky", func(ctx context.Context, v int) (int, error) {
		if callbacks.FromContext(ctx).Attempt() < 3 {
			return 0, errBroken
		}
		return v, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3, Delay: 10 * time.Microsecond}))
	body := engine.Define("body", func(g *graph, v num) num {
		return engine.Add(g, wait, engine.Add(g, parity, engine.Add(g, flaky, v)))
	})
	p := engine.Define("p", func(g *graph, in engine.Value[[]int]) engine.Value[[]int] {
		a := engine.Map(g, wait, in, engine.WithName("first"))
		b := engine.Map(g, body, in, engine.ContinueOnError(), engine.WithCache(""))
		return engine.Map(g, engine.Node("inc", increment), engine.Field(g, engine.Collect(g, a, b), func(l [][]int) []int { return l[0] }))
	})
	in := make([]int, 40)
	for i := range in {
		in[i] = i
	}
	before := runtime.NumGoroutine()
	for range fewer(1000, 200) {
		ctx, cancel := context.WithCancelCause(t.Context())
		left := rand.IntN(80)
		var mu sync.Mutex
		count := hooked(func() {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 {
				cancel(errBroken)
			}
		})
		rec := &callbacktest.Recorder{}
		c := listen(count, rec)
		c.Cache = &shelf{}
		c.Concurrency = []int{1, 2, 64}[rand.IntN(3)]
		stop := time.AfterFunc(5*time.Millisecond, func() { cancel(errBroken) }) // when all wait
		_, err := p.Run(ctx, in, c)
		stop.Stop()
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := callbacktest.Check(rec.Events()); err != nil {
			t.Fatal(err)
		}
		cancel(nil)
	}
	settle(t, before)
}

// hooked calls a function in the hooks of nodes and items.
func hooked(call func()) callbacks.Funcs {
	return callbacks.Funcs{
		NodeStart:    func(*callbacks.CallbackContext, callbacks.NodeStart) { call() },
		NodeEnd:      func(*callbacks.CallbackContext, callbacks.NodeEnd) { call() },
		NodeRetry:    func(*callbacks.CallbackContext, callbacks.NodeRetry) { call() },
		MapItemStart: func(*callbacks.CallbackContext, callbacks.MapItemStart) { call() },
		MapItemEnd:   func(*callbacks.CallbackContext, callbacks.MapItemEnd) { call() },
	}
}

// TestBlockedNodesDoNotStarveOthers has nodes that wait until others have computed,
// and those until the first all wait: with one place to spare.
func TestBlockedNodesDoNotStarveOthers(t *testing.T) {
	const blocked, computing = 999, 200
	for _, asItems := range []bool{true, false} {
		t.Run(fmt.Sprintf("items %t", asItems), func(t *testing.T) {
			var waiting, computed atomic.Int64
			release, all := make(chan struct{}), make(chan struct{})
			block := func(ctx context.Context, v int) (int, error) {
				if waiting.Add(1) == blocked {
					close(all)
				}
				select {
				case <-release:
					return v, nil
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			}
			compute := func(ctx context.Context, v int) (int, error) {
				for begun := time.Now(); time.Since(begun) < 100*time.Microsecond; {
					v++
				}
				if computed.Add(1) < computing {
					return v, nil
				}
				select { // the last one
				case <-all:
					close(release)
					return v, nil
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			}
			p := engine.Define("p", func(g *graph, in engine.Value[[]int]) num {
				last := engine.Node("len", func(_ context.Context, l []int) (int, error) { return len(l), nil })
				c := engine.Add(g, last, engine.Map(g, engine.Node("compute", compute), in))
				if asItems {
					many := engine.Field(g, in, func([]int) []int { return make([]int, blocked) })
					return engine.Add(g, engine.Node("both", func(_ context.Context, l []int) (int, error) { return len(l), nil }),
						engine.Collect(g, c, engine.Add(g, last, engine.Map(g, engine.Node("block", block), many), engine.WithName("len2"))))
				}
				one := engine.Field(g, in, func(l []int) int { return l[0] })
				list := []num{c}
				for i := range blocked {
					list = append(list, engine.Add(g, engine.Node(fmt.Sprint("block", i), block), one))
				}
				return engine.Field(g, engine.Collect(g, list...), func(l []int) int { return len(l) })
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := p.Run(ctx, make([]int, computing), engine.Config{Concurrency: blocked + 1}); err != nil {
				t.Errorf("%v; %d of %d wait, %d of %d have computed", err, waiting.Load(), blocked, computed.Load(), computing)
			}
		})
	}
}
