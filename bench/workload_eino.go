package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/cloudwego/eino/compose"
	"golang.org/x/sync/errgroup"
)

const einoName = "eino"

// eino is github.com/cloudwego/eino: a chain for W1 and W4, where it is faster,
// and a graph that starts a node when all it needs has ended for W2 and W5. A
// node with several predecessors gets their values merged, so that the merging
// is the sum. It has no map: for W3 a chain of one node is invoked for each
// item, on GOMAXPROCS goroutines. On Go 1.26 it needs a newer
// github.com/bytedance/sonic than it asks for, which go.mod has.
func eino() contender {
	return contender{
		name: einoName,
		fit: func(s Sizes) Sizes {
			s.Items = min(s.Items, 10_000)
			return s
		},
		chain:  einoChain,
		fan:    einoFan,
		items:  einoItems,
		nested: einoNested,
		layers: einoLayers,
	}
}

// Merging is registered for a type, once for a process.
func init() { compose.RegisterValuesMergeFunc(einoMerge) }

func einoMerge(list []int) (int, error) { return sum(context.Background(), list) }

func einoChain(n int) (step, error) {
	c := compose.NewChain[int, int]()
	for range n {
		c.AppendLambda(compose.InvokableLambda(increment))
	}
	r, err := c.Compile(context.Background(), compose.WithMaxRunSteps(10*n))
	return einoStep(r), err
}

func einoStep(r compose.Runnable[int, int]) step {
	return func(ctx context.Context, v int) (int, error) { return r.Invoke(ctx, v) }
}

// einoGraph is a graph, and the first mistake made in it.
type einoGraph struct {
	*compose.Graph[int, int]

	err error
}

func (g *einoGraph) add(name string, do step, reads ...string) {
	if g.err == nil {
		g.err = g.AddLambdaNode(name, compose.InvokableLambda(do))
	}
	g.read(name, reads...)
}

func (g *einoGraph) read(name string, reads ...string) {
	for _, from := range reads {
		if g.err == nil {
			g.err = g.AddEdge(from, name)
		}
	}
}

func (g *einoGraph) compile() (step, error) {
	if g.err != nil {
		return nil, g.err
	}
	r, err := g.Compile(context.Background(), compose.WithNodeTriggerMode(compose.AllPredecessor))
	return einoStep(r), err
}

func einoFan(n int, leaf step) (step, error) {
	g := einoGraph{Graph: compose.NewGraph[int, int]()}
	g.add("root", increment, compose.START)
	fan := names(n)
	for _, name := range fan {
		g.add(name, leaf, "root")
	}
	g.add("join", pass, fan...)
	g.read(compose.END, "join")
	return g.compile()
}

func einoItems(int) (mapper, error) {
	c := compose.NewChain[int, int]()
	c.AppendLambda(compose.InvokableLambda(triple))
	r, err := c.Compile(context.Background())
	return func(ctx context.Context, items []int) ([]int, error) {
		out := make([]int, len(items))
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(runtime.GOMAXPROCS(0))
		for i, item := range items {
			g.Go(func() (err error) {
				out[i], err = r.Invoke(ctx, item)
				return err
			})
		}
		return out, g.Wait()
	}, err
}

func einoNested(pipelines, leaves int) (step, error) {
	var inner *compose.Chain[int, int]
	for range pipelines {
		c := compose.NewChain[int, int]()
		before, after := around(leaves, inner == nil)
		for range before {
			c.AppendLambda(compose.InvokableLambda(increment))
		}
		if inner != nil {
			c.AppendGraph(inner)
		}
		for range after {
			c.AppendLambda(compose.InvokableLambda(increment))
		}
		inner = c
	}
	r, err := inner.Compile(context.Background())
	return einoStep(r), err
}

func einoLayers(layers, width int) (step, error) {
	g := einoGraph{Graph: compose.NewGraph[int, int]()}
	reads, do := []string{compose.START}, pass
	for l := range layers {
		layer := make([]string, width)
		for i := range layer {
			layer[i] = fmt.Sprintf("n%d.%d", l, i)
			g.add(layer[i], do, reads...)
		}
		reads, do = layer, einoModulo
	}
	g.read(compose.END, reads...)
	return g.compile()
}

// einoModulo is layerSum of a layer that was merged already.
func einoModulo(ctx context.Context, total int) (int, error) { return layerSum(ctx, []int{total}) }
