package bench

import "context"

// loop is the least that can run any graph: nodes in topological order, on one
// goroutine. It has no W3, which is the loop that direct has.
func loop() contender {
	return contender{
		name:   "loop",
		chain:  func(n int) (step, error) { return loopChain(n).run, nil },
		fan:    func(n int, leaf step) (step, error) { return loopFan(n, leaf).run, nil },
		nested: loopNested,
		layers: func(layers, width int) (step, error) { return loopLayers(layers, width).run, nil },
	}
}

// loopGraph is a graph of ints. Its result is the sum of the nodes outs.
type loopGraph struct {
	nodes []loopNode
	outs  []int
}

// loopNode is a node that gives do of the one value it reads, or all of the
// many. A graph's input is value -1.
type loopNode struct {
	do    step
	all   func(context.Context, []int) (int, error)
	reads []int
}

// add adds a node. It can only read nodes that are there, so the order of
// adding is a topological one.
func (g *loopGraph) add(n loopNode) int {
	g.nodes = append(g.nodes, n)
	g.outs = []int{len(g.nodes) - 1}
	return len(g.nodes) - 1
}

func (g *loopGraph) run(ctx context.Context, in int) (total int, err error) {
	values := make([]int, len(g.nodes))
	var many []int
	for i := range g.nodes {
		n := &g.nodes[i]
		switch {
		case n.all != nil:
			many = many[:0]
			for _, from := range n.reads {
				many = append(many, values[from])
			}
			values[i], err = n.all(ctx, many)
		case n.reads[0] < 0:
			values[i], err = n.do(ctx, in)
		default:
			values[i], err = n.do(ctx, values[n.reads[0]])
		}
		if err != nil {
			return 0, err
		}
	}
	for _, out := range g.outs {
		total += values[out]
	}
	return total, nil
}

func loopChain(n int) *loopGraph {
	g := new(loopGraph)
	last := -1
	for range n {
		last = g.add(loopNode{do: increment, reads: []int{last}})
	}
	return g
}

func loopFan(n int, leaf step) *loopGraph {
	g := new(loopGraph)
	root := g.add(loopNode{do: increment, reads: []int{-1}})
	fan := make([]int, n)
	for i := range fan {
		fan[i] = g.add(loopNode{do: leaf, reads: []int{root}})
	}
	g.add(loopNode{all: sum, reads: fan})
	return g
}

func loopNested(pipelines, leaves int) (step, error) {
	var inner step
	for range pipelines {
		g, last := new(loopGraph), -1
		add := func(do step) { last = g.add(loopNode{do: do, reads: []int{last}}) }
		before, after := around(leaves, inner == nil)
		for range before {
			add(increment)
		}
		if inner != nil {
			add(inner)
		}
		for range after {
			add(increment)
		}
		inner = g.run
	}
	return inner, nil
}

func loopLayers(layers, width int) *loopGraph {
	g := new(loopGraph)
	var layer []int
	for range layers {
		node := loopNode{all: layerSum, reads: layer}
		if layer == nil {
			node = loopNode{do: pass, reads: []int{-1}}
		}
		next := make([]int, width)
		for i := range next {
			next[i] = g.add(node)
		}
		layer = next
	}
	g.outs = layer
	return g
}
