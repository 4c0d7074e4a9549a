package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/heimdalr/dag"
)

const dagName = "dag"

// dags is github.com/heimdalr/dag: vertices that hold a function, and its
// DescendantsFlow, which runs them from one start on. W5 has a start before its
// first layer, which the others do not have. It has neither W3 nor W4: a vertex
// gives one result, and a graph has no graphs inside.
func dags() contender {
	return contender{
		name:   dagName,
		chain:  dagChain,
		fan:    dagFan,
		layers: dagLayers,
	}
}

// dagNode is a vertex. No two may be equal, hence the pointers.
type dagNode struct {
	do func(context.Context, []int) (int, error)
}

// dagGraph is a graph, and the first mistake made in it.
type dagGraph struct {
	*dag.DAG

	err error
}

func newDagGraph() *dagGraph { return &dagGraph{DAG: dag.NewDAG()} }

func (g *dagGraph) add(id string, do func(context.Context, []int) (int, error), reads ...string) {
	if g.err == nil {
		g.err = g.AddVertexByID(id, &dagNode{do})
	}
	for _, from := range reads {
		if g.err == nil {
			g.err = g.AddEdge(from, id)
		}
	}
}

// run returns a step that gives the sum of what the leaves give.
func (g *dagGraph) run(start string) (step, error) {
	return func(ctx context.Context, v int) (total int, err error) {
		leaves, err := g.DescendantsFlow(start, []dag.FlowResult{{Result: v}},
			func(d *dag.DAG, id string, parents []dag.FlowResult) (any, error) {
				return dagCall(ctx, d, id, parents)
			})
		if err != nil {
			return 0, err
		}
		list, err := dagValues(leaves)
		if err != nil {
			return 0, err
		}
		return sum(ctx, list)
	}, g.err
}

// dagCall runs the node that a vertex holds.
func dagCall(ctx context.Context, d *dag.DAG, id string, parents []dag.FlowResult) (int, error) {
	vertex, err := d.GetVertex(id)
	if err != nil {
		return 0, err
	}
	node, ok := vertex.(*dagNode)
	if !ok {
		return 0, fmt.Errorf("vertex %s holds %T", id, vertex)
	}
	list, err := dagValues(parents)
	if err != nil {
		return 0, err
	}
	return node.do(ctx, list)
}

func dagValues(results []dag.FlowResult) ([]int, error) {
	list := make([]int, len(results))
	for i, r := range results {
		v, ok := r.Result.(int)
		if r.Error != nil || !ok {
			return nil, errors.Join(r.Error, fmt.Errorf("vertex %s gave %v", r.ID, r.Result))
		}
		list[i] = v
	}
	return list, nil
}

// one makes a node of a step, which reads one value.
func one(do step) func(context.Context, []int) (int, error) {
	return func(ctx context.Context, list []int) (int, error) { return do(ctx, list[0]) }
}

func dagChain(n int) (step, error) {
	g := newDagGraph()
	var before []string
	for _, name := range names(n) {
		g.add(name, one(increment), before...)
		before = []string{name}
	}
	return g.run("n0")
}

func dagFan(n int, leaf step) (step, error) {
	g := newDagGraph()
	g.add("root", one(increment))
	fan := names(n)
	for _, name := range fan {
		g.add(name, one(leaf), "root")
	}
	g.add("join", sum, fan...)
	return g.run("root")
}

func dagLayers(layers, width int) (step, error) {
	g := newDagGraph()
	g.add("start", one(pass))
	reads, do := []string{"start"}, one(pass)
	for l := range layers {
		layer := make([]string, width)
		for i := range layer {
			layer[i] = fmt.Sprintf("n%d.%d", l, i)
			g.add(layer[i], do, reads...)
		}
		reads, do = layer, layerSum
	}
	return g.run("start")
}
