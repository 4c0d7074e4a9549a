package engine_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/spanloom/spanloom/engine"
)

func ExampleNode() {
	upper := func(_ context.Context, word string) (string, error) {
		return strings.ToUpper(word), nil
	}
	step := engine.Node("upper", upper) // an engine.Step[string, string]

	fmt.Println(step.Name())
	fmt.Println(upper(context.Background(), "hello")) // a test calls the function itself
	// Output:
	// upper
	// HELLO <nil>
}
