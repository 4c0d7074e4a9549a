package backend_test

import (
	"context"
	"fmt"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
)

// A callback becomes a backend: the same value may listen in a program too.
func ExampleFromCallback() {
	type config struct {
		Prefix string `json:"prefix" jsonschema:"what lines begin with"`
	}
	b := backend.New("lines", config{Prefix: "* "}, func(_ context.Context, c backend.Config, cfg config) (backend.Instance, error) {
		return backend.FromCallback(callbacks.Funcs{
			NodeEnd: func(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
				fmt.Fprintln(c.Output, cfg.Prefix+cc.Path(), ev.Result)
			},
		}), nil
	})
	try(b, `{}`)
	// Output: * daily/fetch success
}
