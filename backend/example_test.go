package backend_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

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

// A backend is tried without a process of its own; the whole main of its binary,
// spanloom-backend-lines, is backend.Serve(Lines).
func ExampleBackend() {
	in, err := Lines.Open(context.Background(), backend.Config{JSON: []byte(`{ "prefix": "> " }`), Output: os.Stdout})
	if err != nil {
		fmt.Println(err)
		return
	}
	run := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "daily"}})
	node := &callbacks.CallbackContext{}
	run.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "fetch"}, Index: -1, Attempt: 1})
	in.OnNodeEnd(node, callbacks.NodeEnd{End: callbacks.End{Duration: 2 * time.Second, Result: callbacks.ResultSuccess}, Attempts: 1})
	// Output: > daily/fetch took 2s: success
}
