package metrics_test

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/metrics"
)

const chainLength = 1000

// chain is a pipeline of nodes one after another, which do next to nothing.
func chain() *engine.Pipeline[int, int] {
	return engine.Define("chain", func(g *engine.Graph, v engine.Value[int]) engine.Value[int] {
		for i := range chainLength {
			v = engine.Add(g, engine.Node(fmt.Sprintf("n%d", i), func(_ context.Context, n int) (int, error) { return n + 1, nil }), v)
		}
		return v
	})
}

// BenchmarkChain runs a chain of 1,000 nodes: with nobody listening, with one
// who listens to the same hooks and does nothing, with this package, and with
// instruments of the SDK.
func BenchmarkChain(b *testing.B) {
	ours, err := metrics.New(metrics.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cbs  []callbacks.PipelineCallback
	}{
		{"none", nil},
		{"nothing", []callbacks.PipelineCallback{deaf{hooks: ours.Hooks()}}},
		{"spanloom", []callbacks.PipelineCallback{ours}},
		{"otel", []callbacks.PipelineCallback{newSDK(b)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := chain()
			ctx := context.Background()
			cfg := engine.Config{Callbacks: c.cbs}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Run(ctx, 0, cfg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chainLength, "ns/node")
		})
	}
}

// BenchmarkHooks calls the two hooks of a node, without an engine around them.
func BenchmarkHooks(b *testing.B) {
	for _, nodes := range []int{1, chainLength} {
		root := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
		contexts := make([]callbacks.CallbackContext, nodes)
		for i := range contexts {
			node := &callbacks.Node{Name: fmt.Sprint("n", i)}
			root.Begin(&contexts[i], callbacks.Scope{Kind: callbacks.KindNode, Node: node, Index: -1, Attempt: 1})
		}
		for name, cb := range map[string]callbacks.PipelineCallback{"spanloom": open(b), "otel": newSDK(b)} {
			b.Run(fmt.Sprintf("%s/%d", name, nodes), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					cc := &contexts[i%nodes]
					cb.OnNodeStart(cc, callbacks.NodeStart{})
					cb.OnNodeEnd(cc, callbacks.NodeEnd{End: callbacks.End{Duration: ms, Result: callbacks.ResultSuccess}})
				}
			})
		}
	}
}

// deaf wants hooks and does nothing with them.
type deaf struct {
	callbacks.Base
	hooks callbacks.Hook
}

func (d deaf) Hooks() callbacks.Hook { return d.hooks }

// sdk makes the four measurements of a node with instruments of the SDK, with sets
// of attributes that are made once for each node: active up and down, completed,
// and the duration. It is for one goroutine.
type sdk struct {
	callbacks.Base
	duration metric.Float64Histogram
	active   metric.Int64UpDownCounter
	done     metric.Int64Counter
	sets     map[*callbacks.Node]metric.MeasurementOption
}

func newSDK(b *testing.B) *sdk {
	b.Helper()
	reader := sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("bench")
	s := &sdk{sets: map[*callbacks.Node]metric.MeasurementOption{}}
	var err error
	if s.duration, err = meter.Float64Histogram("duration"); err != nil {
		b.Fatal(err)
	}
	if s.active, err = meter.Int64UpDownCounter("active"); err != nil {
		b.Fatal(err)
	}
	if s.done, err = meter.Int64Counter("done"); err != nil {
		b.Fatal(err)
	}
	return s
}

func (*sdk) Hooks() callbacks.Hook {
	return callbacks.HookNodeStart | callbacks.HookNodeEnd | callbacks.Times
}

func (s *sdk) set(cc *callbacks.CallbackContext) metric.MeasurementOption {
	if o, ok := s.sets[cc.Node()]; ok {
		return o
	}
	o := metric.WithAttributeSet(attribute.NewSet(
		attribute.String("spanloom.pipeline.name", cc.Pipeline().Name()), attribute.String("spanloom.node.name", cc.Name())))
	s.sets[cc.Node()] = o
	return o
}

func (s *sdk) OnNodeStart(cc *callbacks.CallbackContext, _ callbacks.NodeStart) {
	s.active.Add(cc, 1, s.set(cc))
}

func (s *sdk) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	o := s.set(cc)
	s.active.Add(cc, -1, o)
	s.done.Add(cc, 1, o)
	s.duration.Record(cc, ev.Duration.Seconds(), o)
}
