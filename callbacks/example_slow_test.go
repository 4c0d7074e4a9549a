package callbacks_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// slowest keeps the time of every node and item.
type slowest struct {
	mu    sync.Mutex
	spent []spent
}

type spent struct {
	path string
	time time.Duration
}

// callback returns what hears the ends. Funcs asks for times by itself.
func (s *slowest) callback() callbacks.PipelineCallback {
	return callbacks.Funcs{
		NodeEnd:    func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) { s.add(cc, ev.Duration) },
		MapItemEnd: func(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) { s.add(cc, ev.Duration) },
	}
}

func (s *slowest) add(cc *callbacks.CallbackContext, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spent = append(s.spent, spent{cc.Path(), d})
}

// top returns the n that took longest.
func (s *slowest) top(n int) []spent {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.spent, func(a, b spent) int { return cmp.Compare(b.time, a.time) })
	return s.spent[:min(n, len(s.spent))]
}

func Example_slowNodes() {
	quick := engine.Node("quick", func(context.Context, int) (time.Time, error) { return time.Now(), nil })
	slow := engine.Node("slow", func(_ context.Context, quickBegan time.Time) (int, error) {
		time.Sleep(time.Millisecond + 3*time.Since(quickBegan)) // longer than quick, on any machine
		return 0, nil
	})
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, slow, engine.Add(g, quick, n))
	})

	report := &slowest{}
	_, err := p.Run(context.Background(), 0, engine.Config{Callbacks: []callbacks.PipelineCallback{report.callback()}})
	for _, one := range report.top(1) {
		fmt.Println(one.path, one.time > time.Millisecond, err)
	}
	// Output: p/slow true <nil>
}
