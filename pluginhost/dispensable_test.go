//go:build unix

package pluginhost

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// choosy is an instance that looks at some hooks only.
type choosy struct {
	callbacktest.Recorder

	hooks callbacks.Hook
}

func (c *choosy) Hooks() callbacks.Hook     { return c.hooks }
func (*choosy) Flush(context.Context) error { return nil }
func (*choosy) Close(context.Context) error { return nil }

// heard are the events of some hooks, each with the scopes around it.
func heard(events []callbacktest.Event, hooks callbacks.Hook) (lines []string) {
	for _, e := range events {
		if e.Hook&hooks == 0 {
			continue
		}
		line := hooktest.Line(e)
		for cc := e.Context; cc != nil; cc = cc.Parent() {
			line += fmt.Sprint(" < ", cc.Kind(), " ", cc.SpanID())
		}
		lines = append(lines, line)
	}
	return lines
}

// TestDispensable: what a backend does not look at is not sent where nothing depends
// on it, so that the rest arrives as if it were.
func TestDispensable(t *testing.T) {
	for _, leftOut := range []callbacks.Hook{0, callbacks.HookNodeStart, callbacks.HookMapItemStart, dispensable, dispensable | callbacks.HookNodeRetry} {
		t.Run(leftOut.String(), func(t *testing.T) {
			in := &choosy{hooks: callbacks.AllHooks &^ leftOut}
			s := Spec{Name: "choosy", Launch: InProcess(backend.Backend{
				Name: "choosy", Open: func(context.Context, backend.Config) (backend.Instance, error) { return in, nil },
			})}
			h := start(t, s)
			if err := h.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			var said callbacktest.Recorder
			for seed := range uint64(60) {
				hooktest.Random(callbacks.Multi(&said, h), seed)
			}
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent := uint64(0)
			for _, e := range said.Events() {
				if e.Hook&leftOut&dispensable == 0 || e.Hook != callbacks.HookError && !leaf(e.Context.Node()) {
					sent++
				}
			}
			if got := h.Stats().Emitted; got != sent {
				t.Errorf("%d events were sent, want %d of %d", got, sent, len(said.Events()))
			}
			if diff := cmp.Diff(heard(said.Events(), in.hooks), heard(in.Events(), in.hooks)); diff != "" {
				t.Errorf("(-said +heard)\n%s", diff)
			}
		})
	}
}
