package hooktest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spanloom/spanloom/callbacks"
)

var nodes = func() (list []*callbacks.Node) {
	for i := range 12 {
		list = append(list, &callbacks.Node{
			Name: fmt.Sprintf("node%d", i), Type: "func",
			Signature: "func(context.Context, string) (string, error)",
			Code:      callbacks.Source{Function: fmt.Sprintf("main.node%d", i), File: "main.go", Line: 10 * i},
		})
	}
	return list
}()

// ErrNode is the failure of some nodes.
var ErrNode = errors.New("boom")

type stackError struct{ error }

func (stackError) Stack() string { return "goroutine 1 [running]:\nmain.main()" }

// random emits one run.
type random struct {
	cb    callbacks.PipelineCallback
	r     *rand.Rand
	epoch time.Time
	calls int
}

// Random calls the hooks of one random run, which keeps all rules of
// callbacks.PipelineCallback. The same seed gives the same run but for ids and
// times. It returns the number of calls.
func Random(cb callbacks.PipelineCallback, seed uint64) int {
	e := &random{cb: cb, epoch: time.Now(), r: rand.New(rand.NewPCG(seed, seed))}
	id := callbacks.NewIdentity()
	if seed%2 == 0 {
		id.Parent = callbacks.SpanID{1, 2, 3}
		id.State = "a=b"
	}
	cc := callbacks.NewRun(context.Background(), callbacks.RunConfig{
		ID: fmt.Sprintf("run-%d", seed), Identity: id, Runner: "local", Epoch: e.epoch,
		Pipeline: &callbacks.Node{Name: "daily", Type: "pipeline"},
	})
	_ = e.pipeline(cc, 0)
	return e.calls
}

func (e *random) call() { e.calls++ }

func (e *random) scope(cc *callbacks.CallbackContext, k callbacks.Kind, n *callbacks.Node, index int32) *callbacks.CallbackContext {
	c := &callbacks.CallbackContext{}
	cc.Begin(c, callbacks.Scope{Kind: k, Node: n, Index: index, Attempt: 1, Start: time.Since(e.epoch)})
	return c
}

func (e *random) end(cc *callbacks.CallbackContext, err error, origin bool) callbacks.End {
	end := callbacks.End{Duration: max(time.Since(cc.Start()), 0), Result: callbacks.ResultSuccess}
	if err != nil {
		end.Err, end.Result, end.Origin = err, callbacks.ResultFailure, origin
	}
	return end
}

// pipeline returns the failure of the first node that fails.
func (e *random) pipeline(cc *callbacks.CallbackContext, depth int) (failure error) {
	e.call()
	e.cb.OnPipelineStart(cc, callbacks.PipelineStart{})
	for i, at := range e.r.Perm(len(nodes))[:2+e.r.IntN(6)] {
		failure = cmp.Or(failure, e.step(cc, nodes[at], depth, i))
	}
	e.call()
	e.cb.OnPipelineEnd(cc, callbacks.PipelineEnd{End: e.end(cc, failure, false)})
	return failure
}

func (e *random) step(cc *callbacks.CallbackContext, n *callbacks.Node, depth, i int) error {
	choice := e.r.IntN(10)
	switch {
	case depth < 3 && choice == 0:
		return e.nested(cc, n, depth)
	case depth < 3 && choice == 1:
		return e.mapping(cc, n, depth)
	case choice == 2:
		e.call()
		c := e.scope(cc, callbacks.KindNode, n, -1)
		e.cb.OnNodeCached(c, callbacks.NodeCached{Signature: "abc", Saved: time.Second, Reason: "cache"})
	case choice == 3:
		e.call()
		c := e.scope(cc, callbacks.KindNode, n, -1)
		e.cb.OnNodeSkipped(c, callbacks.NodeSkipped{Reason: "branch"})
	default:
		return e.node(cc, n, choice == 4, i)
	}
	return nil
}

func (e *random) node(cc *callbacks.CallbackContext, n *callbacks.Node, fail bool, i int) error {
	c := e.scope(cc, callbacks.KindNode, n, -1)
	e.call()
	e.cb.OnNodeStart(c, callbacks.NodeStart{})
	var err error
	attempts := 1
	if fail {
		err = fmt.Errorf("node %d: %w", i, stackError{ErrNode})
		attempts = 2
		e.calls += 2
		e.cb.OnNodeRetry(c, callbacks.NodeRetry{Attempt: 1, Delay: time.Millisecond, Err: err})
		e.cb.OnError(c, callbacks.Failure{Err: err, Result: callbacks.ResultFailure})
	}
	e.call()
	e.cb.OnNodeEnd(c, callbacks.NodeEnd{End: e.end(c, err, true), Attempts: attempts})
	return err
}

func (e *random) nested(cc *callbacks.CallbackContext, n *callbacks.Node, depth int) error {
	c := e.scope(cc, callbacks.KindPipeline, n, -1)
	e.calls += 2
	e.cb.OnNestedPipelineStart(cc, callbacks.NestedPipelineStart{Child: c})
	failure := e.pipeline(c, depth+1)
	e.cb.OnNestedPipelineEnd(cc, callbacks.NestedPipelineEnd{End: e.end(c, failure, false), Child: c})
	return failure
}

func (e *random) mapping(cc *callbacks.CallbackContext, n *callbacks.Node, depth int) (failure error) {
	size := 1 + e.r.IntN(6)
	m := e.scope(cc, callbacks.KindMap, n, -1)
	e.calls += 2
	e.cb.OnMapStart(m, callbacks.MapStart{Size: size, Concurrency: 4})
	end := callbacks.MapEnd{Concurrency: 4}
	for i := range size {
		item := e.scope(m, callbacks.KindMapItem, n, int32(i))
		switch e.r.IntN(5) {
		case 0:
			e.call()
			e.cb.OnMapItemCached(item, callbacks.MapItemCached{Signature: "def", Saved: time.Minute, Reason: "resume"})
			end.Cached++
		case 1: // stopped by a gate
			e.calls += 2
			e.cb.OnMapItemStart(item, callbacks.MapItemStart{})
			stop := e.end(item, nil, false)
			stop.Result = callbacks.ResultSkip
			e.cb.OnMapItemEnd(item, callbacks.MapItemEnd{End: stop, Attempts: 1})
			end.Skipped++
		case 2:
			e.calls += 3
			e.cb.OnMapItemStart(item, callbacks.MapItemStart{})
			e.cb.OnError(item, callbacks.Failure{Err: ErrNode, Result: callbacks.ResultFailure})
			e.cb.OnMapItemEnd(item, callbacks.MapItemEnd{End: e.end(item, ErrNode, true), Attempts: 1})
			end.Failed++
			failure = cmp.Or(failure, ErrNode)
		default:
			e.calls += 2
			e.cb.OnMapItemStart(item, callbacks.MapItemStart{})
			var inside error
			if i%2 == 0 {
				inside = e.nested(item, n, depth)
			}
			e.cb.OnMapItemEnd(item, callbacks.MapItemEnd{End: e.end(item, inside, false), Attempts: 1})
			if inside == nil {
				end.Succeeded++
			} else {
				end.Failed++
				failure = cmp.Or(failure, inside)
			}
		}
	}
	end.End = e.end(m, failure, false)
	e.cb.OnMapEnd(m, end)
	return failure
}
