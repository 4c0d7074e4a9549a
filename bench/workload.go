package bench

import (
	"context"
	"fmt"
	"slices"
)

// Sizes of the workloads.
const (
	ChainNodes   = 1000
	FanNodes     = 1000
	MapItems     = 100_000
	NestedDepth  = 50
	NestedLeaves = 4
	Layers       = 32
	LayerNodes   = 32
)

// Limit is the engine that all others are compared with.
const Limit = "limit"

// Workload is one workload on one engine, ready to run.
type Workload struct {
	Name   string // W1 to W5
	Engine string
	Nodes  int // by how many to divide the cost of a run

	// Run runs it once and returns an error if the result is wrong. It is
	// never called twice at once.
	Run func() error
	// Settle waits until nothing of a run goes on any more. It is not measured.
	// Defaults to nothing.
	Settle func() error
}

// All returns every workload of every engine.
func All() []Workload {
	return slices.Concat(limitWorkloads(), spanloomWorkloads())
}

// The nodes that every engine runs.

func increment(_ context.Context, v int) (int, error) { return v + 1, nil }

func triple(_ context.Context, v int) (int, error) { return v*3 + 1, nil }

// layerModulus keeps the sums of W5 small; it is prime, so that no layer is 0.
const layerModulus = 251

// layerResult is what every node of the last layer of W5 gives for the input
// 1: the first layer passes it on, each later one sums the layer before.
func layerResult() int {
	v := 1
	for range Layers - 1 {
		v = v * LayerNodes % layerModulus
	}
	return v
}

// wrong is the error of a run whose result is not the one expected.
func wrong(got, want int) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("the result is %d, want %d", got, want)
}
