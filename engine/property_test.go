package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

// world makes random pipelines, each with a model: a plain function that gives
// the same result.
type world struct {
	rng    *rand.Rand // not rapid's draws, which prefer small numbers and so tiny pipelines
	names  int
	faults bool
	calls  *atomic.Int64
	cancel func()
	at     int64               // cancel at this call
	needs  map[string][]string // node name -> names of the nodes whose output it takes
}

type model func(int) int

var errBroken = errors.New("broken")

// between returns a number from lo to hi.
func (w *world) between(lo, hi int) int { return lo + w.rng.IntN(hi-lo+1) }

func (w *world) name(kind string) string {
	w.names++
	return fmt.Sprintf("%s%d", kind, w.names)
}

// fault returns what a node does besides its work.
func (w *world) fault() func() error {
	kind := 0
	if w.faults {
		kind = w.between(0, 40)
	}
	return func() error {
		if w.calls.Add(1) == w.at {
			w.cancel()
		}
		switch kind {
		case 1:
			return errBroken
		case 2:
			panic("broken")
		case 3:
			panic(errBroken)
		case 4:
			runtime.Goexit()
		}
		return nil
	}
}

// step makes a random step: a node, or a pipeline of at most the given depth.
func (w *world) step(depth int) (engine.Step[int, int], model) {
	if depth > 0 && w.between(0, 2) == 0 {
		return w.pipeline(depth - 1)
	}
	k := w.between(-3, 3)
	fault := w.fault()
	return engine.Node(w.name("node"), func(ctx context.Context, n int) (int, error) {
		if callbacks.FromContext(ctx) == nil {
			return 0, errors.New("the context does not come from a run")
		}
		return n*3 + k, fault()
	}), func(n int) int { return n*3 + k }
}

func (w *world) pipeline(depth int) (*engine.Pipeline[int, int], model) {
	type known struct {
		value engine.Value[int]
		model model
		node  string // whose output it is
	}
	var result model
	p := engine.Define(w.name("pipe"), func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		list := []known{{in, func(n int) int { return n }, ""}}
		pick := func() known { return list[w.between(0, len(list)-1)] }
		for range w.between(0, 6) {
			a, b := pick(), pick()
			var k known
			switch w.between(0, 3) {
			case 0:
				k.node = w.name("add")
				fault := w.fault()
				k.value = engine.Add2(g, engine.Node2(k.node, func(_ context.Context, x, y int) (int, error) {
					return x - y, fault()
				}), a.value, b.value)
				k.model = func(n int) int { return a.model(n) - b.model(n) }
				w.needs[k.node] = []string{a.node, b.node}
			case 1:
				s, m := w.step(depth)
				k = known{engine.Add(g, s, a.value), func(n int) int { return m(a.model(n)) }, s.Name()}
				w.needs[k.node] = []string{a.node}
			case 2:
				s, m := w.step(depth)
				size := w.between(0, 5)
				spread := w.name("spread")
				items := engine.Add(g, engine.Node(spread, func(_ context.Context, n int) ([]int, error) {
					list := make([]int, size)
					for i := range list {
						list[i] = n + i
					}
					return list, nil
				}), a.value)
				k.node = w.name("sum")
				k.value = engine.Add(g, engine.Node(k.node, sum), engine.Map(g, s, items))
				k.model = func(n int) int {
					total := 0
					for i := range size {
						total += m(a.model(n) + i)
					}
					return total
				}
				w.needs[spread] = []string{a.node}
				w.needs[s.Name()] = []string{spread}
				w.needs[k.node] = []string{s.Name()}
			default:
				k.node = w.name("total")
				k.value = engine.Add(g, engine.Node(k.node, sum), engine.Collect(g, a.value, b.value, a.value))
				k.model = func(n int) int { return 2*a.model(n) + b.model(n) }
				w.needs[k.node] = []string{a.node, b.node}
			}
			list = append(list, k)
		}
		last := pick()
		result = last.model
		return last.value
	})
	return p, result
}

// checkOrder checks rule 3: what a node needs has ended before it starts.
func (w *world) checkOrder(events []callbacktest.Event) error {
	ended := map[string]bool{}
	for _, ev := range events {
		cc := ev.Context
		switch ev.Hook {
		case callbacks.HookNodeEnd, callbacks.HookMapEnd, callbacks.HookPipelineEnd:
			ended[cc.Path()] = true
		case callbacks.HookNodeStart, callbacks.HookMapStart, callbacks.HookPipelineStart:
			path := cc.Path()
			if strings.HasSuffix(path, "]") { // the body of an item: the map has what it needs
				continue
			}
			around := strings.TrimSuffix(path, cc.Name())
			for _, n := range w.needs[cc.Name()] {
				if n != "" && !ended[around+n] {
					return fmt.Errorf("rule 3: %s started before %s ended", path, around+n)
				}
			}
		}
	}
	return nil
}

func TestRandomPipelinesKeepTheContract(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		w := &world{rng: rng, calls: &atomic.Int64{}, cancel: cancel, needs: map[string][]string{}}
		w.faults = rapid.Bool().Draw(t, "faults")
		if w.between(0, 3) == 0 {
			w.at = int64(w.between(1, 30))
		}
		p, want := w.pipeline(rapid.IntRange(0, 5).Draw(t, "depth"))
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		rec := &callbacktest.Recorder{}
		in := rapid.IntRange(-9, 9).Draw(t, "in")
		cfg := engine.Config{
			Callbacks:   []callbacks.PipelineCallback{rec},
			Concurrency: rapid.SampledFrom([]int{1, 2, 3, 64}).Draw(t, "concurrency"),
		}
		got, err := 0, error(&engine.Error{Path: "goexit"})
		done := make(chan struct{})
		go func() { // which a node may end
			defer close(done)
			got, err = p.Run(ctx, in, cfg)
		}()
		<-done
		if bad := callbacktest.Check(rec.Events()); bad != nil {
			t.Fatal(bad)
		}
		if bad := w.checkOrder(rec.Events()); bad != nil {
			t.Fatal(bad)
		}
		var failure *engine.Error
		switch {
		case err == nil && got != want(in):
			t.Fatalf("got %d, want %d", got, want(in))
		case err != nil && !errors.As(err, &failure):
			t.Fatalf("%T is not an *engine.Error: %v", err, err)
		case err != nil && !w.faults && w.at == 0:
			t.Fatal(err)
		}
	})
}
