package privacy_test

import (
	"fmt"
	"math"
	"strings"

	"github.com/spanloom/spanloom/privacy"
)

func ExampleCapture() {
	c := privacy.Capture{Inputs: true, Limit: 64}

	fmt.Println(c.JSON(map[string]any{"user": "bob", "api_key": "abc123", "rate": math.NaN()}))
	fmt.Println(c.JSON(strings.Repeat("many words ", 10_000_000)))
	fmt.Println(c.JSON([]any{make(chan int), 1}))
	fmt.Println(c.JSON(7, "two inputs"))
	// Output:
	// {"api_key":"[redacted]","rate":"NaN","user":"bob"}
	// "many words many words many words many words many words many ...
	// ["<unserializable: chan int>",1]
	// [7,"two inputs"]
}
