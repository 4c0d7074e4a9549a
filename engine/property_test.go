package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
)

var (
	firstSeed = flag.Uint64("pipelines.seed", 0, "the seed of the first random pipeline; 0 for a random one")
	cases     = flag.Int("pipelines.cases", 0, "how many random pipelines; 0 for 20000, or 3000 with the race detector")
)

// checkOrder checks rule 3: what a node needs has ended before it starts.
func (w *world) checkOrder(events []callbacktest.Event) error {
	ended := map[string]bool{}
	for _, ev := range events {
		cc := ev.Context
		switch e := ev.Event.(type) {
		case callbacks.NodeEnd, callbacks.MapEnd, callbacks.PipelineEnd, callbacks.NodeCached:
			ended[cc.Path()] = true
		case callbacks.NestedPipelineEnd:
			ended[e.Child.Path()] = true
		case callbacks.NodeStart, callbacks.MapStart, callbacks.PipelineStart:
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

// checkEnd checks that the root pipeline's End says what Run returned.
func checkEnd(events []callbacktest.Event, err error) error {
	if len(events) == 0 {
		return nil
	}
	end, ok := events[len(events)-1].Event.(callbacks.PipelineEnd)
	if !ok {
		return nil // a part
	}
	switch stopped := errors.Is(err, engine.ErrStopped); {
	case (err == nil) != (end.Result == callbacks.ResultSuccess), end.Result == callbacks.ResultSkip && !stopped:
		return fmt.Errorf("the run ended with %s, but Run returned %w", end.Result, err)
	}
	return nil
}

// random runs one random pipeline, once or twice, and says what is wrong.
func random(seed uint64) error {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 0)), needs: map[string][]string{}, silent: map[string]bool{},
		times: 1,
	}
	w.faults = w.chance(2)
	if w.chance(4) {
		w.at = int64(w.between(1, 30))
	}
	p, want := w.pipeline(w.between(0, 6))
	if err := p.Err(); err != nil {
		return err
	}
	cfg := engine.Config{Concurrency: []int{1, 2, 3, 64}[w.between(0, 3)]}
	if w.chance(4) {
		cfg.Runner = engine.Sequential()
	}
	if !w.chance(4) {
		cfg.Cache = &shelf{}
	}
	in := w.between(-9, 9)
	for range w.between(1, 2) {
		if err := w.run(p, want, in, cfg); err != nil {
			return err
		}
	}
	var errs []error
	for _, rec := range w.others {
		errs = append(errs, callbacktest.Check(rec.Events()))
	}
	return errors.Join(errs...)
}

// run runs a pipeline once.
func (w *world) run(p *engine.Pipeline[int, int], want model, in int, cfg engine.Config) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w.cancel = cancel
	rec := &callbacktest.Recorder{}
	cfg.Callbacks = []callbacks.PipelineCallback{rec}
	got, err, returned := 0, error(nil), false
	done := make(chan struct{})
	go func() { // which a node may end
		defer close(done)
		got, err = p.Run(ctx, in, cfg)
		returned = true
	}()
	<-done
	if bad := callbacktest.Check(rec.Events()); bad != nil {
		return bad
	}
	if bad := w.checkOrder(rec.Events()); bad != nil {
		return bad
	}
	if !returned {
		return nil
	}
	if bad := checkCounts(rec.Events()); len(w.silent) == 0 && bad != nil {
		return bad
	}
	if bad := checkEnd(rec.Events(), err); bad != nil {
		return bad
	}
	if _, ok := errors.AsType[*engine.Error](err); err != nil && !ok {
		return fmt.Errorf("%T is not an *engine.Error: %w", err, err)
	}
	w.unsure = false
	value, fate := want(in)
	clean := !w.faults && w.at == 0
	switch {
	case w.unsure:
	case err == nil && fate != there:
		return fmt.Errorf("got %d, want that a gate stops the run", got)
	case err == nil && got != value:
		return fmt.Errorf("got %d, want %d", got, value)
	case clean && err != nil && (fate == there || !errors.Is(err, engine.ErrStopped)):
		return fmt.Errorf("nothing is broken, but the run failed: %w", err)
	}
	return nil
}

// TestRandomPipelinesKeepTheContract runs random pipelines with all kinds of
// steps, policies and failures.
func TestRandomPipelinesKeepTheContract(t *testing.T) {
	t.Parallel()
	n, first := *cases, *firstSeed
	switch {
	case n > 0:
	case raced:
		n = 3000
	default:
		n = 20_000
	}
	if first == 0 {
		first = rand.Uint64()
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1) - 1; int(i) < n && !t.Failed(); i = next.Add(1) - 1 {
				seed := first + uint64(i)
				if err := random(seed); err != nil {
					t.Errorf("%v\nrun it again with -run %s -pipelines.cases=1 -pipelines.seed=%d", err, t.Name(), seed)
				}
			}
		})
	}
	all.Wait()
}

// checkCounts says which pipeline counts otherwise than what was heard inside, when
// all is heard.
func checkCounts(events []callbacktest.Event) error {
	heard := map[*callbacks.CallbackContext]callbacks.Counts{}
	for _, e := range events {
		one := callbacks.Counts{Nodes: 1}
		var looked *callbacks.CacheLookup
		switch ev := e.Event.(type) {
		case callbacks.NodeEnd:
			looked = ev.Cache
		case callbacks.MapItemEnd:
			looked = ev.Cache
		case callbacks.NodeCached, callbacks.MapItemCached:
			one.Cached = 1
		case callbacks.PipelineEnd:
			if want := heard[e.Context]; ev.Counts != want {
				return fmt.Errorf("%s counts %+v, want %+v", e.Context, ev.Counts, want)
			}
			continue
		default:
			continue
		}
		if looked != nil && !looked.Bypass {
			one.Missed = 1
		}
		for p := e.Context.Parent(); p != nil; p = p.Parent() {
			sum := heard[p]
			sum.Add(one)
			heard[p] = sum
		}
	}
	return nil
}
