package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/spanloom/spanloom/engine"
)

// stages returns a pipeline of stages of width nodes that are in do at the same time.
func stages(count, width int, do func(stage int)) *engine.Pipeline[int, []int] {
	return engine.Define("stages", func(g *engine.Graph, in engine.Value[int]) engine.Value[[]int] {
		var all engine.Value[[]int]
		for stage := range count {
			var together sync.WaitGroup
			together.Add(width)
			list := make([]engine.Value[int], width)
			for i := range list {
				name := fmt.Sprintf("n%d-%d", stage, i)
				work := func() int {
					together.Done()
					together.Wait()
					do(stage)
					return i
				}
				if stage == 0 {
					list[i] = engine.Add(g, engine.Node(name, func(context.Context, int) (int, error) { return work(), nil }), in)
				} else {
					list[i] = engine.Add(g, engine.Node(name, func(context.Context, []int) (int, error) { return work(), nil }), all)
				}
			}
			all = engine.Collect(g, list...)
		}
		return all
	})
}

// TestWorkersStay: those that a stage has needed work on the next one too, with the
// stacks that they have.
func TestWorkersStay(t *testing.T) {
	const count, width = 20, 8
	var moved atomic.Int32
	p := stages(count, width, func(int) {
		if movesStack() {
			moved.Add(1)
		}
	})
	if _, err := p.Run(t.Context(), 1, engine.Config{}); err != nil {
		t.Fatal(err)
	}
	// The garbage collector may shrink a stack.
	if n := moved.Load(); n > count*width/4 {
		t.Errorf("%d of %d nodes had a new stack", n, count*width)
	}
}

// TestFewWorkersStay: a stage that was wide does not hold its goroutines until the end of
// the run.
func TestFewWorkersStay(t *testing.T) {
	const width = 500
	before := runtime.NumGoroutine()
	p := stages(1, width, func(int) {})
	rest := engine.Define("rest", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("look", func(context.Context, []int) (int, error) {
			n := 0
			for range 1_000 {
				if n = runtime.NumGoroutine() - before; n < 100 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			return n, nil
		}), engine.Add(g, p, in))
	})
	n, err := rest.Run(t.Context(), 1, engine.Config{Concurrency: width})
	if err != nil || n >= 100 {
		t.Errorf("%d goroutines, %v", n, err)
	}
}

// movesStack reports whether a call that puts a KiB on the stack moves it.
//
//go:noinline
func movesStack() bool {
	var here byte
	before := uintptr(unsafe.Pointer(&here))
	fill(&here)
	return uintptr(unsafe.Pointer(&here)) != before
}

//go:noinline
func fill(to *byte) {
	var room [1 << 10]byte
	for i := range room {
		room[i] = byte(i) + *to
	}
	*to = room[int(*to)]
}
