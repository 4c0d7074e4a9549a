package metrics_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// workerLines returns the series of workers.
func workerLines(t fataler, get func() []string) (list []string) {
	t.Helper()
	for _, line := range get() {
		if strings.HasPrefix(line, "spanloom.worker.") {
			list = append(list, line)
		}
	}
	return list
}

// TestWorkers has two runs of five nodes at once, of which three may run, and one
// run that runs one after another, of which no node can begin before another ends.
func TestWorkers(t *testing.T) {
	t.Parallel()
	m := open(t)
	var started sync.WaitGroup
	release := make(chan struct{})
	started.Add(2*3 + 1)
	step := func(i int) engine.Step[int, int] {
		return engine.Node(fmt.Sprint("n", i), func(_ context.Context, n int) (int, error) {
			select {
			case <-release:
			default:
				started.Done()
				<-release
			}
			return n, nil
		})
	}
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		for i := range 5 {
			engine.Add(g, step(i), n)
		}
		return n
	})
	var all sync.WaitGroup
	for _, cfg := range []engine.Config{{Concurrency: 3}, {Concurrency: 3}, {Runner: engine.Sequential()}} {
		cfg.Callbacks = []callbacks.PipelineCallback{m}
		all.Go(func() {
			if _, err := p.Run(t.Context(), 1, cfg); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	now := func() []string { return lines(t, m) }
	want := func(local, sequential [3]int) (list []string) {
		for i, name := range []string{"limit", "queue.size", "usage"} {
			list = append(list,
				fmt.Sprintf("spanloom.worker.%s spanloom.pool.name=local = %d", name, local[i]),
				fmt.Sprintf("spanloom.worker.%s spanloom.pool.name=sequential = %d", name, sequential[i]))
		}
		return list
	}
	// A worker that looks for work in vain is not told from one that has some for a
	// moment.
	for deadline := time.Now().Add(10 * time.Second); ; {
		diff := cmp.Diff(want([3]int{6, 4, 6}, [3]int{64, 0, 1}), workerLines(t, now))
		if diff == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("while they run (-want +got):\n%s", diff)
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(release)
	all.Wait()
	if diff := cmp.Diff(want([3]int{}, [3]int{}), workerLines(t, now)); diff != "" {
		t.Errorf("after they ended (-want +got):\n%s", diff)
	}
}

// TestWorkersOfOthers has workers whose methods panic.
func TestWorkersOfOthers(t *testing.T) {
	t.Parallel()
	m := open(t)
	for i, runner := range []string{"a", "b"} {
		cc := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}, Runner: runner})
		m.OnPipelineStart(cc, callbacks.PipelineStart{Workers: others(i)})
	}
	want := []string{
		"spanloom.worker.limit spanloom.pool.name=a = 0", "spanloom.worker.limit spanloom.pool.name=b = 3",
		"spanloom.worker.queue.size spanloom.pool.name=a = 0", "spanloom.worker.queue.size spanloom.pool.name=b = 2",
		"spanloom.worker.usage spanloom.pool.name=a = 0", "spanloom.worker.usage spanloom.pool.name=b = 1",
	}
	if diff := cmp.Diff(want, workerLines(t, func() []string { return lines(t, m) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type others int

func (o others) Load() callbacks.Load {
	if o == 0 {
		panic("oops")
	}
	return callbacks.Load{Busy: 1, Limit: 3, Queued: 2}
}
