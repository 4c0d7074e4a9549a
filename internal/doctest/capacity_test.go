package doctest

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/pluginhost"
)

// TestQueueCapacity fills the queue of a backend that does not start, and compares
// how many events it holds with what the page on operations says.
func TestQueueCapacity(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(root + "/docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`A MiB holds ([0-9,]+)\s+to\s+([0-9,]+)\s+events`).FindStringSubmatch(string(page))
	if m == nil {
		t.Fatal("the page does not say how many events a MiB holds")
	}
	number := func(text string) float64 {
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	least, most := number(m[1]), number(m[2])

	release := make(chan struct{})
	const mib = 4
	host := pluginhost.Start(pluginhost.Spec{
		Name: "never", QueueBytes: mib << 20,
		Launch: pluginhost.InProcess(backend.Backend{Name: "never", Open: func(context.Context, backend.Config) (backend.Instance, error) {
			<-release
			return nil, context.Canceled
		}}),
	})
	item := engine.Node("item", func(_ context.Context, n int) (int, error) { return n, nil })
	p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] {
		return engine.Map(g, item, list)
	})
	for host.Stats().Dropped[pluginhost.QueueFull] == 0 {
		if _, err := p.Run(t.Context(), make([]int, 1000), engine.Config{Callbacks: []callbacks.PipelineCallback{host}}); err != nil {
			t.Fatal(err)
		}
	}
	holds := float64(host.Stats().InFlight) / mib
	close(release)
	_ = host.Shutdown(t.Context()) // the backend was never there
	t.Logf("a MiB holds %.0f events", holds)
	if holds < least || holds > most {
		t.Errorf("a MiB holds %.0f events, the page says %.0f to %.0f", holds, least, most)
	}
}

// TestEventsOfARun counts what the page says of the events of steps.
func TestEventsOfARun(t *testing.T) {
	t.Parallel()
	item := engine.Node("item", func(_ context.Context, n int) (int, error) { return n, nil })
	list := engine.Node("list", func(_ context.Context, n int) ([]int, error) { return make([]int, n), nil })
	nothing := engine.Define("nested", func(_ *engine.Graph, l engine.Value[[]int]) engine.Value[[]int] { return l })
	p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[[]int] {
		return engine.Add(g, nothing, engine.Map(g, item, engine.Add(g, list, n)))
	})
	host := pluginhost.Start(pluginhost.Spec{
		Name: "none", Launch: pluginhost.InProcess(backend.Backend{Name: "none", Open: func(context.Context, backend.Config) (backend.Instance, error) {
			return nil, context.Canceled
		}}),
	})
	const items = 10
	if _, err := p.Run(t.Context(), items, engine.Config{Callbacks: []callbacks.PipelineCallback{host}}); err != nil {
		t.Fatal(err)
	}
	emitted := host.Stats().Emitted
	_ = host.Shutdown(t.Context()) // the backend was never there
	const run, node, mapped, nested = 2, 2, 2, 4
	if want := uint64(run + node + mapped + 2*items + nested); emitted != want {
		t.Errorf("%d events, the page says %d", emitted, want)
	}
	page, err := os.ReadFile(root + "/docs/operations.md")
	if err != nil || !strings.Contains(string(page), "A node, a map, an item and a run are two events each, a\nnested pipeline is four.") {
		t.Error("the page does not say so", err)
	}
}
