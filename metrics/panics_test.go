package metrics_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

// clumsy and awkward are callbacks that panic.
type (
	clumsy  struct{ callbacks.Base }
	awkward struct{ callbacks.Base }
)

func (clumsy) OnNodeStart(*callbacks.CallbackContext, callbacks.NodeStart) { panic("oops") }
func (clumsy) OnNodeEnd(*callbacks.CallbackContext, callbacks.NodeEnd)     { panic("oops") }

func (awkward) OnMapItemEnd(*callbacks.CallbackContext, callbacks.MapItemEnd) { panic("oops") }

// panicsOf returns what is counted for a type of this file.
func panicsOf(t *testing.T, m *metrics.Callback, name string) (n int64) {
	t.Helper()
	sum, _ := produce(t, m)["spanloom.callback.panics"].Data.(metricdata.Sum[int64])
	for _, p := range sum.DataPoints {
		if v, _ := p.Attributes.Value(attribute.Key("spanloom.callback.name")); v.AsString() == name {
			n += p.Value
		}
	}
	return n
}

// TestPanics has callbacks that panic: alone, beside others, and on a goroutine of
// their own. It is not parallel: the count is that of the program.
func TestPanics(t *testing.T) {
	double := engine.Node("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	node := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, double, n) })
	list := engine.Define("p", func(g *engine.Graph, n engine.Value[[]int]) engine.Value[[]int] { return engine.Map(g, double, n) })
	m := open(t)
	late := callbacks.Async(awkward{}, 0)
	for _, cbs := range [][]callbacks.PipelineCallback{{clumsy{}}, {clumsy{}, awkward{}}, {late}} {
		if _, err := node.Run(t.Context(), 1, engine.Config{Callbacks: cbs}); err != nil {
			t.Error(err)
		}
		if _, err := list.Run(t.Context(), []int{1, 2, 3}, engine.Config{Callbacks: cbs}); err != nil {
			t.Error(err)
		}
	}
	if _, err := late.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if a, b := panicsOf(t, m, "metrics_test.clumsy"), panicsOf(t, m, "metrics_test.awkward"); a != 4 || b != 6 {
		t.Errorf("%d and %d panics, want 4 and 6", a, b)
	}
	if n := panicsOf(t, open(t), "metrics_test.clumsy"); n != 0 {
		t.Errorf("%d panics from before", n)
	}
}
