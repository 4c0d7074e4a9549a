package bench

import (
	"context"
	"fmt"
	"time"
)

// The nodes that every engine runs.

func increment(_ context.Context, v int) (int, error) { return v + 1, nil }

func triple(_ context.Context, v int) (int, error) { return v*3 + 1, nil }

func pass(_ context.Context, v int) (int, error) { return v, nil }

// dawdle is increment for a node that waits for something.
func dawdle(ctx context.Context, v int) (int, error) {
	time.Sleep(time.Millisecond)
	return increment(ctx, v)
}

func sum(_ context.Context, list []int) (total int, err error) {
	for _, v := range list {
		total += v
	}
	return total, nil
}

// layerModulus keeps the sums of W5 small; it is prime, so that no layer is 0.
const layerModulus = 251

// layerSum is a node of W5 after the first layer.
func layerSum(ctx context.Context, list []int) (int, error) {
	total, err := sum(ctx, list)
	return total % layerModulus, err
}

// layersResult is what W5 gives for an input.
func layersResult(s Sizes, v int) int {
	for range s.Layers - 1 {
		v = v * s.Width % layerModulus
	}
	return v * s.Width
}

// wrong is the error of a run whose result is not the one expected.
func wrong(got, want int) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("the result is %d, want %d", got, want)
}
