package limit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

func inc(_ context.Context, v int) (int, error) { return v + 1, nil }

func sum(_ context.Context, in Inputs[int]) (total int, err error) {
	for i := range in.Len() {
		total += in.At(i)
	}
	return total, nil
}

// do runs a plan of ints.
func do(t *testing.T, p *Plan, in Value[int], value int, out Value[int]) (int, error) {
	t.Helper()
	var got int
	err := p.Do(t.Context(), func(r *Run) { Set(r, in, value) }, func(r *Run) { got = Get(r, out) })
	return got, err
}

func TestChain(t *testing.T) {
	var g Graph
	in := Input[int](&g)
	out := in
	for range 1000 {
		out = Add(&g, out, inc)
	}
	p := g.Compile()
	for run := range 3 {
		if got, err := do(t, p, in, run, out); got != run+1000 || err != nil {
			t.Errorf("run %d: %d, %v", run, got, err)
		}
	}
}

func TestTypesMayDiffer(t *testing.T) {
	var g Graph
	in := Input[int](&g)
	text := Add(&g, in, func(_ context.Context, v int) (string, error) { return fmt.Sprint(v), nil })
	size := Join(&g, []Value[string]{text, text}, func(_ context.Context, in Inputs[string]) (int, error) {
		return len(in.At(0) + in.At(1)), nil
	})
	if got, err := do(t, g.Compile(), in, 1234, size); got != 8 || err != nil {
		t.Errorf("got %d, %v; want 8", got, err)
	}
}

// TestRandomGraphs compares with the same graph evaluated one node after the
// other, in many runs at once.
func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var (
			g      Graph
			in     = Input[int](&g)
			values = []Value[int]{in}
			preds  = [][]int{nil}
		)
		for range 1 + random.IntN(200) {
			var from []int
			var read []Value[int]
			for range 1 + random.IntN(5) {
				i := random.IntN(len(values))
				from, read = append(from, i), append(read, values[i])
			}
			preds, values = append(preds, from), append(values, Join(&g, read, sum))
		}
		p := g.Compile()
		var wait sync.WaitGroup
		for start := range 8 {
			want := make([]int, len(values))
			want[0] = start
			for i, from := range preds[1:] {
				for _, j := range from {
					want[i+1] += want[j]
				}
			}
			wait.Go(func() {
				for range 20 {
					err := p.Do(t.Context(), func(r *Run) { Set(r, in, start) }, func(r *Run) {
						for i, v := range values {
							if got := Get(r, v); got != want[i] {
								t.Errorf("seed %d: value %d is %d, want %d", seed, i, got, want[i])
							}
						}
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
	}
}

func TestErrorStopsTheRest(t *testing.T) {
	boom := errors.New("boom")
	fail := true
	var ran atomic.Int32
	var g Graph
	in := Input[int](&g)
	first := Add(&g, in, func(_ context.Context, v int) (int, error) {
		if fail {
			return 0, boom
		}
		return v, nil
	})
	after := make([]Value[int], 100)
	for i := range after {
		after[i] = Add(&g, first, func(_ context.Context, v int) (int, error) {
			ran.Add(1)
			return v, nil
		})
	}
	out := Join(&g, after, sum)
	p := g.Compile()
	if _, err := do(t, p, in, 1, out); !errors.Is(err, boom) {
		t.Errorf("error is %v, want boom", err)
	}
	if n := ran.Load(); n != 0 {
		t.Errorf("%d nodes ran after the failure", n)
	}
	fail = false
	if got, err := do(t, p, in, 1, out); got != 100 || err != nil {
		t.Errorf("a run after a failed one gives %d, %v", got, err)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var g Graph
	in := Input[int](&g)
	middle := make([]Value[int], 100)
	for i := range middle {
		middle[i] = Add(&g, in, inc)
	}
	out := Join(&g, middle, sum)
	p, got := g.Compile(), 0
	before := func(r *Run) { Set(r, in, 1) }
	after := func(r *Run) { got = Get(r, out) }
	allocs := testing.AllocsPerRun(100, func() {
		if err := p.Do(t.Context(), before, after); err != nil || got != 200 {
			t.Fatal(got, err)
		}
	})
	if allocs >= 1 {
		t.Errorf("a run allocates %v times", allocs)
	}
}

func TestEmptyGraph(t *testing.T) {
	if err := new(Graph).Compile().Do(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

func TestMap(t *testing.T) {
	items := make([]int, 1000)
	for i := range items {
		items[i] = i
	}
	for _, chunk := range []int{1, 7, 256, 5000} {
		out, err := Map(t.Context(), items, chunk, inc)
		if err != nil || len(out) != len(items) {
			t.Fatalf("chunk %d: %d items, %v", chunk, len(out), err)
		}
		for i, v := range out {
			if v != i+1 {
				t.Fatalf("chunk %d: item %d is %d", chunk, i, v)
			}
		}
	}
	boom := errors.New("boom")
	_, err := Map(t.Context(), items, 1, func(_ context.Context, v int) (int, error) {
		if v == 500 {
			return 0, boom
		}
		return v, nil
	})
	if !errors.Is(err, boom) {
		t.Errorf("error is %v, want boom", err)
	}
}
