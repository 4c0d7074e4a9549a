package backend_test

import (
	"context"
	"fmt"
	"io"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
)

// Lines is a backend that writes a line for each node that ended.
var Lines = backend.Backend{
	Name: "lines",
	Schema: []byte(`{
		"type": "object",
		"properties": { "prefix": { "type": "string" } },
		"additionalProperties": false
	}`),
	Open: func(_ context.Context, c backend.Config) (backend.Instance, error) {
		l := &lines{out: c.Output}
		return l, c.Decode(l)
	},
}

// lines is an instance of Lines, and its config.
type lines struct {
	callbacks.Base

	Prefix string `json:"prefix"`
	out    io.Writer
}

// OnNodeEnd implements callbacks.PipelineCallback; Base has the other hooks.
func (l *lines) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	fmt.Fprintf(l.out, "%s%s took %s: %s\n", l.Prefix, cc.Path(), ev.Duration, ev.Result)
}

// Flush implements backend.Instance: what was written is out already.
func (l *lines) Flush(context.Context) error { return nil }

// Close implements backend.Instance.
func (l *lines) Close(context.Context) error { return nil }

// The main of the binary spanloom-backend-lines.
func ExampleServe() {
	main := func() { backend.Serve(Lines) }
	_ = main
}
