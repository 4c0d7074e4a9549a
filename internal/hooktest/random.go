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

	counts counts
}

// Random calls the hooks of one random run, which keeps all rules of
// callbacks.PipelineCallback. The same seed gives the same run but for ids and
// times. It returns the number of calls.
func Random(cb callbacks.PipelineCallback, seed uint64) int {
	e := &random{cb: cb, epoch: time.Now(), counts: counts{}, r: rand.New(rand.NewPCG(seed, seed))}
	id := callbacks.NewIdentity()
	if seed%2 == 0 {
		id.Parent = callbacks.SpanID{1, 2, 3}
		id.State = "a=b"
	}
	if seed%7 == 6 {
		id.LinkTrace, id.LinkSpan = callbacks.TraceID{5, 15: byte(seed)}, callbacks.SpanID{6}
	}
	cc := callbacks.NewRun(context.Background(), callbacks.RunConfig{
		ID: fmt.Sprintf("run-%d", seed), Identity: id, Runner: "local", Epoch: e.epoch,
		Pipeline: &callbacks.Node{Name: "daily", Type: "pipeline", Version: "1.4"},
	})
	var before *callbacks.Resumed
	if seed%3 == 0 {
		before = &callbacks.Resumed{Starts: int(seed%5) + 1, TraceID: callbacks.TraceID{9, 15: byte(seed)}, SpanID: callbacks.SpanID{8, 7: 1}}
		e.crash(callbacks.NewRun(context.Background(), callbacks.RunConfig{
			ID: cc.RunID(), Identity: id, Runner: "local", Epoch: e.epoch.Add(-time.Hour), Pipeline: cc.Node(),
		}))
	}
	e.pipeline(cc, 0, before)
	return e.calls
}

// crash ends a run in the middle of it.
func (e *random) crash(cc *callbacks.CallbackContext) {
	if e.r.IntN(2) == 0 {
		m := e.scope(cc, callbacks.KindMap, nodes[0], spot{index: -1})
		for i := range 1 + e.r.Int32N(3) {
			item := e.scope(m, callbacks.KindMapItem, nodes[0], spot{index: i})
			e.crash1(e.scope(item, callbacks.KindNode, nodes[1], spot{index: -1}))
			e.crash1(item)
		}
		e.crash1(m)
	}
	e.crash1(cc)
}

func (e *random) crash1(cc *callbacks.CallbackContext) {
	e.call()
	e.cb.OnCrashed(cc, callbacks.Crashed{Duration: time.Duration(e.r.IntN(2)) * time.Second})
}

func (e *random) call() { e.calls++ }

// spot is where a scope stands, besides its step.
type spot struct {
	index, iteration int32
	runner           string
}

func (e *random) scope(cc *callbacks.CallbackContext, k callbacks.Kind, n *callbacks.Node, at spot) *callbacks.CallbackContext {
	c := &callbacks.CallbackContext{}
	s := callbacks.Scope{
		Kind: k, Node: n, Index: at.index, Iteration: at.iteration, Attempt: 1, Start: time.Since(e.epoch),
	}
	cc.Begin(c, s)
	c.Queue(time.Duration(e.r.IntN(2) * 1000))
	c.Override(callbacks.Override{Runner: at.runner})
	return c
}

// end returns the End of a scope: without an error it succeeds, or is stopped.
func (e *random) end(cc *callbacks.CallbackContext, err error, origin bool) callbacks.End {
	end := callbacks.End{Duration: max(time.Since(cc.Start()), 0), Result: callbacks.ResultSuccess}
	if err != nil {
		end.Err, end.Result, end.Origin = err, callbacks.ResultFailure, origin
	}
	return end
}

// stopped is the End of a scope in which something failed, or which a gate may
// have stopped.
func (e *random) stopped(cc *callbacks.CallbackContext, failure error) callbacks.End {
	end := e.end(cc, failure, false)
	if failure == nil && e.r.IntN(5) == 0 {
		end.Result = callbacks.ResultSkip
	}
	return end
}

func (e *random) pipeline(cc *callbacks.CallbackContext, depth int, before *callbacks.Resumed) callbacks.End {
	e.call()
	e.cb.OnPipelineStart(cc, callbacks.PipelineStart{Resumed: before})
	var failure error
	for i, at := range e.r.Perm(len(nodes))[:2+e.r.IntN(6)] {
		failure = cmp.Or(failure, e.step(cc, nodes[at], depth, i))
	}
	e.call()
	end := e.stopped(cc, failure)
	e.cb.OnPipelineEnd(cc, callbacks.PipelineEnd{End: end, Counts: e.counts.of(cc)})
	return end
}

// step returns the failure of the step, if it has one.
func (e *random) step(cc *callbacks.CallbackContext, n *callbacks.Node, depth, i int) error {
	at := spot{index: -1}
	if e.r.IntN(8) == 0 {
		at.runner = "sequential"
	}
	choice := e.r.IntN(14)
	switch {
	case depth < 3 && choice == 0:
		return e.nested(cc, n, depth, at)
	case depth < 3 && choice == 1:
		return e.mapping(cc, n, depth, at)
	case depth < 3 && choice == 2:
		return e.loop(cc, n, depth)
	case depth < 3 && choice == 3:
		return e.branch(cc, n, depth)
	case choice == 4:
		e.call()
		c := e.scope(cc, callbacks.KindNode, n, at)
		e.counts.cached(c)
		e.metrics(c, true)
		e.cb.OnNodeCached(c, callbacks.NodeCached{Signature: "abc", Saved: time.Second, Reason: "cache", Tier: "disk", Size: e.r.IntN(100)})
	case choice == 5:
		e.skipped(cc, n, "stopped by a gate")
	default:
		return e.node(cc, n, choice == 6, i, at)
	}
	return nil
}

// lookup returns what a cache said, or nil.
func (e *random) lookup() *callbacks.CacheLookup {
	switch e.r.IntN(6) {
	case 0:
		return &callbacks.CacheLookup{Signature: "0123456789ab", Reason: "input 1 is new", Tier: []string{"", "disk", "memory"}[e.r.IntN(3)], Stored: e.r.IntN(2) * 1000}
	case 1:
		return &callbacks.CacheLookup{Bypass: true, Reason: "there is no cache"}
	default:
		return nil
	}
}

// metrics marks some values.
func (e *random) metrics(cc *callbacks.CallbackContext, replayed bool) {
	for ; e.r.IntN(4) == 0; e.call() {
		m := callbacks.Metric{Name: []string{"rows", "model.loss"}[e.r.IntN(2)], Value: e.r.NormFloat64(), Replayed: replayed}
		if !replayed {
			m.At = time.Duration(e.r.IntN(1000))
		}
		e.cb.OnMetric(cc, m)
	}
}

// retries fails some attempts and returns the number of the last.
func (e *random) retries(cc *callbacks.CallbackContext, err error) int {
	attempts := 1
	for ; e.r.IntN(3) == 0; attempts++ {
		e.call()
		e.cb.OnNodeRetry(cc, callbacks.NodeRetry{Attempt: attempts, Start: time.Duration(attempts), Duration: time.Second, Delay: time.Duration(attempts) * time.Millisecond, Err: err})
	}
	return attempts
}

func (e *random) skipped(cc *callbacks.CallbackContext, n *callbacks.Node, reason string) {
	e.call()
	kind := []callbacks.Kind{callbacks.KindNode, callbacks.KindMap, callbacks.KindPipeline}[e.r.IntN(3)]
	e.cb.OnNodeSkipped(e.scope(cc, kind, n, spot{index: -1}), callbacks.NodeSkipped{Reason: reason})
}

func (e *random) node(cc *callbacks.CallbackContext, n *callbacks.Node, fail bool, i int, at spot) error {
	c := e.scope(cc, callbacks.KindNode, n, at)
	looked := e.lookup()
	e.call()
	e.cb.OnNodeStart(c, callbacks.NodeStart{Cache: looked})
	err := fmt.Errorf("node %d: %w", i, stackError{ErrNode})
	e.metrics(c, false)
	attempts := e.retries(c, err)
	e.call()
	end := e.stopped(c, nil)
	if fail {
		e.call()
		e.cb.OnError(c, callbacks.Failure{Err: err, Result: callbacks.ResultFailure})
		end = e.end(c, err, true)
	}
	e.counts.ended(c, looked)
	e.cb.OnNodeEnd(c, callbacks.NodeEnd{End: end, Attempts: attempts, Cache: looked})
	return end.Err
}

// around begins a branch or a loop.
func (e *random) around(cc *callbacks.CallbackContext, n *callbacks.Node) *callbacks.CallbackContext {
	c := e.scope(cc, callbacks.KindNode, n, spot{index: -1})
	e.call()
	e.cb.OnNodeStart(c, callbacks.NodeStart{})
	return c
}

func (e *random) endAround(c *callbacks.CallbackContext, failure error) error {
	e.call()
	e.counts.ended(c, nil)
	e.cb.OnNodeEnd(c, callbacks.NodeEnd{End: e.stopped(c, failure), Attempts: 1})
	return failure
}

// loop runs a node, a pipeline or a map for some rounds.
func (e *random) loop(cc *callbacks.CallbackContext, n *callbacks.Node, depth int) error {
	var failure error
	c := e.around(cc, n)
	body := nodes[e.r.IntN(len(nodes))]
	kind := e.r.IntN(3)
	for round := range 1 + e.r.Int32N(3) {
		at := spot{index: -1, iteration: round + 1}
		switch kind {
		case 0:
			failure = cmp.Or(failure, e.nested(c, body, depth, at))
		case 1:
			failure = cmp.Or(failure, e.mapping(c, body, depth, at))
		default:
			failure = cmp.Or(failure, e.node(c, body, false, 0, at))
		}
	}
	return e.endAround(c, failure)
}

// branch runs one step and leaves another out.
func (e *random) branch(cc *callbacks.CallbackContext, n *callbacks.Node, depth int) error {
	c := e.around(cc, n)
	two := e.r.Perm(len(nodes))
	e.skipped(c, nodes[two[0]], fmt.Sprintf("the branch chose %q", nodes[two[1]].Name))
	return e.endAround(c, e.step(c, nodes[two[1]], depth+1, 0))
}

func (e *random) nested(cc *callbacks.CallbackContext, n *callbacks.Node, depth int, at spot) error {
	c := e.scope(cc, callbacks.KindPipeline, n, at)
	e.calls += 2
	e.cb.OnNestedPipelineStart(cc, callbacks.NestedPipelineStart{Child: c})
	end := e.pipeline(c, depth+1, nil)
	e.cb.OnNestedPipelineEnd(cc, callbacks.NestedPipelineEnd{End: end, Counts: e.counts.of(c), Child: c})
	return end.Err
}

func (e *random) mapping(cc *callbacks.CallbackContext, n *callbacks.Node, depth int, at spot) error {
	size := 1 + e.r.IntN(6)
	m := e.scope(cc, callbacks.KindMap, n, at)
	e.calls += 2
	e.cb.OnMapStart(m, callbacks.MapStart{Size: size, Concurrency: 4})
	end := callbacks.MapEnd{Concurrency: 4}
	for i := range size {
		item := e.scope(m, callbacks.KindMapItem, n, spot{index: int32(i)})
		switch e.r.IntN(6) {
		case 0:
			e.call()
			e.counts.cached(item)
			e.metrics(item, true)
			e.cb.OnMapItemCached(item, callbacks.MapItemCached{Signature: "def", Saved: time.Minute, Reason: "resume", TraceID: callbacks.TraceID{4, 15: 5}, SpanID: callbacks.SpanID{2, 7: 3}, Label: labelOf(item)})
			end.Cached++
		case 1: // stopped by a gate
			e.calls += 2
			e.cb.OnMapItemStart(item, callbacks.MapItemStart{})
			stop := e.end(item, nil, false)
			stop.Result = callbacks.ResultSkip
			e.counts.ended(item, nil)
			e.cb.OnMapItemEnd(item, callbacks.MapItemEnd{End: stop, Attempts: 1})
			end.Skipped++
		default:
			e.item(item, n, depth, &end)
		}
	}
	var err error
	if end.Failed > 0 {
		err = fmt.Errorf("%d of %d items failed: %w", end.Failed, size, ErrNode)
	}
	end.End = e.end(m, err, false)
	e.cb.OnMapEnd(m, end)
	return err
}

// labelOf returns the label of every second item.
func labelOf(item *callbacks.CallbackContext) string {
	if item.Index()%2 == 0 {
		return ""
	}
	return fmt.Sprint("item ", item.Index())
}

// item runs an item and counts it.
func (e *random) item(item *callbacks.CallbackContext, n *callbacks.Node, depth int, count *callbacks.MapEnd) {
	looked := e.lookup()
	e.calls += 2
	e.cb.OnMapItemStart(item, callbacks.MapItemStart{Cache: looked, Label: labelOf(item)})
	attempts := e.retries(item, ErrNode)
	e.metrics(item, false)
	end := callbacks.MapItemEnd{Attempts: attempts, Cache: looked, Label: labelOf(item)}
	switch e.r.IntN(5) {
	case 0:
		e.call()
		e.cb.OnError(item, callbacks.Failure{Err: ErrNode, Result: callbacks.ResultFailure})
		end.End = e.end(item, ErrNode, true)
		count.Failed++
	case 1:
		end.End = e.end(item, nil, false)
		end.Result = callbacks.ResultSkip
		count.Skipped++
	case 2:
		end.End = e.end(item, e.nested(item, n, depth, spot{index: -1}), false)
		if end.Err == nil {
			count.Succeeded++
		} else {
			count.Failed++
		}
	case 3: // a mapped branch has the path of its item
		_ = e.node(item, n, false, 0, spot{index: -1})
		fallthrough
	default:
		end.End = e.end(item, nil, false)
		count.Succeeded++
	}
	e.counts.ended(item, looked)
	e.cb.OnMapItemEnd(item, end)
}
