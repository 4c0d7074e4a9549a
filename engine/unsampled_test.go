package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
)

// placed gives runs an identity.
type placed struct {
	callbacks.Base

	flags byte
}

func (placed) Hooks() callbacks.Hook { return 0 }

func (p placed) RunIdentity(context.Context) (callbacks.Identity, bool) {
	return callbacks.Identity{TraceID: callbacks.TraceID{1}, Flags: p.flags}, true
}

// counter counts the ends of nodes, and wants other hooks of unsampled runs.
type counter struct {
	callbacks.Base

	unsampled callbacks.Hook
	ends      atomic.Int32
	timed     atomic.Int32
}

func (*counter) Hooks() callbacks.Hook            { return callbacks.HookNodeEnd | callbacks.Times }
func (c *counter) UnsampledHooks() callbacks.Hook { return c.unsampled }

func (c *counter) OnNodeEnd(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) {
	c.ends.Add(1)
	if !cc.Start().IsZero() {
		c.timed.Add(1)
	}
}

// unmoved counts too, whether or not a run is sampled.
type unmoved struct {
	callbacks.Base

	ends atomic.Int32
}

func (*unmoved) Hooks() callbacks.Hook { return callbacks.HookNodeEnd }

func (a *unmoved) OnNodeEnd(*callbacks.CallbackContext, callbacks.NodeEnd) { a.ends.Add(1) }

func TestUnsampledHooks(t *testing.T) {
	t.Parallel()
	inc := engine.Node("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	for _, wrap := range []func(callbacks.PipelineCallback) callbacks.PipelineCallback{
		func(cb callbacks.PipelineCallback) callbacks.PipelineCallback { return cb },
		func(cb callbacks.PipelineCallback) callbacks.PipelineCallback { return callbacks.Multi(cb) },
		func(cb callbacks.PipelineCallback) callbacks.PipelineCallback {
			return callbacks.Multi(cb, &unmoved{})
		},
	} {
		for _, tc := range []struct {
			flags       byte
			unsampled   callbacks.Hook
			ends, timed int32
		}{
			{1, 0, 2, 2},
			{0, 0, 0, 0},
			{0, callbacks.HookNodeEnd, 2, 0},
			{0, callbacks.HookNodeEnd | callbacks.Times, 2, 2},
		} {
			all, part, every := &counter{unsampled: tc.unsampled}, &counter{unsampled: tc.unsampled}, &unmoved{}
			p := engine.Define("p", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
				inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, inc, n) })
				return engine.Add(g, inc, engine.Add(g, inner, n, engine.AddCallbacks(part)))
			})
			list := []callbacks.PipelineCallback{placed{flags: tc.flags}, wrap(all), every}
			if _, err := p.Run(t.Context(), 1, engine.Config{Callbacks: list}); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(all.ends.Load(), all.timed.Load(), part.ends.Load(), every.ends.Load())
			want := fmt.Sprint(tc.ends, tc.timed, tc.ends/2, 2)
			if got != want {
				t.Errorf("%+v: heard %s, want %s", tc, got, want)
			}
		}
	}
}
