// Package hooktest calls hooks by hand, in the order in which a real run would,
// for the tests of callbacks.
package hooktest

import (
	"context"
	"time"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
)

// Run is a run whose hooks are called by hand.
type Run struct {
	cb     callbacks.PipelineCallback
	rec    *callbacktest.Recorder
	counts counts
}

// Scope is a scope of the run: its context and how to call its hooks.
type Scope struct {
	*callbacks.CallbackContext

	run     *Run
	round   int32                  // of what begins inside
	cache   *callbacks.CacheLookup // what its Start said
	retries int
}

// Epoch is when hand-made runs begin.
var Epoch = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// Config returns the config of a run of a pipeline with fixed ids.
func Config(pipeline string) callbacks.RunConfig {
	return callbacks.RunConfig{
		ID: "4f1c2a9be07d5538",
		Identity: callbacks.Identity{
			TraceID: callbacks.TraceID{0x7d, 0x0e, 15: 0x01},
			Flags:   1,
		},
		SpanID:   callbacks.SpanID{0xaa, 7: 0x01},
		Pipeline: &callbacks.Node{Name: pipeline, Type: "pipeline"},
		Runner:   "local",
		Epoch:    Epoch,
	}
}

// Start begins a run and calls OnPipelineStart.
func Start(cb callbacks.PipelineCallback, c callbacks.RunConfig) *Scope { return Resume(cb, c, nil) }

// Resume begins a run that continues another.
func Resume(cb callbacks.PipelineCallback, c callbacks.RunConfig, before *callbacks.Resumed) *Scope {
	rec := &callbacktest.Recorder{}
	r := &Run{cb: callbacks.Multi(cb, rec), rec: rec, counts: counts{}}
	if v, ok := cb.(callbacks.ContextValue); ok {
		c.Values = append(c.Values, v)
	}
	root := &Scope{CallbackContext: callbacks.NewRun(context.Background(), c), run: r}
	r.cb.OnPipelineStart(root.CallbackContext, callbacks.PipelineStart{Resumed: before})
	return root
}

// Check reports what the hand-made hooks break of the contract.
func (s *Scope) Check() error { return callbacktest.Check(s.run.rec.Events()) }

func (s *Scope) child(n *callbacks.Node, k callbacks.Kind, index int) *Scope {
	return s.with(n, k, index, nil)
}

func (s *Scope) with(n *callbacks.Node, k callbacks.Kind, index int, o *callbacks.Override) *Scope {
	c := &Scope{CallbackContext: &callbacks.CallbackContext{}, run: s.run}
	s.Begin(c.CallbackContext, callbacks.Scope{
		Kind: k, Node: n, Index: int32(index), Iteration: s.round, Attempt: 1, Start: time.Millisecond,
	})
	if o != nil {
		c.Override(*o)
	}
	return c
}

// Round says which round of a loop everything is that begins inside s from now on.
func (s *Scope) Round(n int) { s.round = int32(n) }

// Node begins a node.
func (s *Scope) Node(name string) *Scope {
	return s.Step(&callbacks.Node{Name: name, Type: "func"})
}

// Step begins a node that n describes.
func (s *Scope) Step(n *callbacks.Node) *Scope {
	c := s.child(n, callbacks.KindNode, -1)
	s.run.cb.OnNodeStart(c.CallbackContext, callbacks.NodeStart{})
	return c
}

// Looked begins a node with a cache that has no result.
func (s *Scope) Looked(name string, l callbacks.CacheLookup) *Scope {
	c := s.child(&callbacks.Node{Name: name, Type: "func"}, callbacks.KindNode, -1)
	c.cache = &l
	s.run.cb.OnNodeStart(c.CallbackContext, callbacks.NodeStart{Cache: c.cache})
	return c
}

// Retry says that an attempt of s failed and another will follow.
func (s *Scope) Retry(attempt int, delay time.Duration, err error) {
	s.retries++
	s.run.cb.OnNodeRetry(s.CallbackContext, callbacks.NodeRetry{
		Attempt: attempt, Start: time.Duration(attempt-1) * time.Second, Duration: time.Millisecond, Delay: delay, Err: err,
	})
}

// Metric says that the code of s has marked a value.
func (s *Scope) Metric(name string, value float64) {
	s.run.cb.OnMetric(s.CallbackContext, callbacks.Metric{Name: name, Value: value, At: time.Millisecond})
}

// Replayed says that a node's result is that of an earlier start, which marked a
// value.
func (s *Scope) Replayed(name string, ev callbacks.NodeCached, metric string, value float64) {
	c := s.child(&callbacks.Node{Name: name, Type: "func"}, callbacks.KindNode, -1)
	s.run.counts.cached(c.CallbackContext)
	s.run.cb.OnMetric(c.CallbackContext, callbacks.Metric{Name: metric, Value: value, Replayed: true})
	s.run.cb.OnNodeCached(c.CallbackContext, ev)
}

// Cached says that a node's stored result was used.
func (s *Scope) Cached(name string, ev callbacks.NodeCached) {
	c := s.child(&callbacks.Node{Name: name, Type: "func"}, callbacks.KindNode, -1)
	s.run.counts.cached(c.CallbackContext)
	s.run.cb.OnNodeCached(c.CallbackContext, ev)
}

// Skipped says that a node will not run.
func (s *Scope) Skipped(name, reason string) { s.SkippedStep(callbacks.KindNode, name, reason) }

// SkippedStep says that a step of some kind will not run.
func (s *Scope) SkippedStep(k callbacks.Kind, name, reason string) {
	c := s.child(&callbacks.Node{Name: name, Type: "func"}, k, -1)
	s.run.cb.OnNodeSkipped(c.CallbackContext, callbacks.NodeSkipped{Reason: reason})
}

// Nested begins a nested pipeline.
func (s *Scope) Nested(name string) *Scope { return s.NestedOn(name, "") }

// NestedOn begins a nested pipeline with another runner, unless that is empty.
func (s *Scope) NestedOn(name, runner string) *Scope {
	var o *callbacks.Override
	if runner != "" {
		o = &callbacks.Override{Runner: runner}
	}
	c := s.with(&callbacks.Node{Name: name, Type: "pipeline"}, callbacks.KindPipeline, -1, o)
	s.run.cb.OnNestedPipelineStart(s.CallbackContext, callbacks.NestedPipelineStart{Child: c.CallbackContext})
	s.run.cb.OnPipelineStart(c.CallbackContext, callbacks.PipelineStart{})
	return c
}

// Map begins a map.
func (s *Scope) Map(name string, size, concurrency int) *Scope {
	c := s.child(&callbacks.Node{Name: name, Type: "func"}, callbacks.KindMap, -1)
	s.run.cb.OnMapStart(c.CallbackContext, callbacks.MapStart{Size: size, Concurrency: concurrency})
	return c
}

// Item begins an item of a map.
func (s *Scope) Item(index int) *Scope { return s.item(index, nil) }

// LookedItem begins an item with a cache that has no result.
func (s *Scope) LookedItem(index int, l callbacks.CacheLookup) *Scope { return s.item(index, &l) }

func (s *Scope) item(index int, l *callbacks.CacheLookup) *Scope {
	c := s.child(s.CallbackContext.Node(), callbacks.KindMapItem, index)
	c.cache = l
	s.run.cb.OnMapItemStart(c.CallbackContext, callbacks.MapItemStart{Cache: l})
	return c
}

// CachedItem says that an item's stored result was used.
func (s *Scope) CachedItem(index int, ev callbacks.MapItemCached) {
	c := s.child(s.CallbackContext.Node(), callbacks.KindMapItem, index)
	s.run.counts.cached(c.CallbackContext)
	s.run.cb.OnMapItemCached(c.CallbackContext, ev)
}

// ReplayedItem says that an item's result is that of an earlier start, which marked
// a value.
func (s *Scope) ReplayedItem(index int, ev callbacks.MapItemCached, metric string, value float64) {
	c := s.child(s.CallbackContext.Node(), callbacks.KindMapItem, index)
	s.run.counts.cached(c.CallbackContext)
	s.run.cb.OnMetric(c.CallbackContext, callbacks.Metric{Name: metric, Value: value, Replayed: true})
	s.run.cb.OnMapItemCached(c.CallbackContext, ev)
}

// OK ends the scope with success; a map needs EndMap.
func (s *Scope) OK(d time.Duration) {
	s.End(callbacks.End{Duration: d, Result: callbacks.ResultSuccess})
}

// Stop ends the scope as a gate does.
func (s *Scope) Stop(d time.Duration) {
	s.End(callbacks.End{Duration: d, Result: callbacks.ResultSkip})
}

// Fail calls OnError and ends the scope with the failure that began in it.
func (s *Scope) Fail(d time.Duration, result callbacks.Result, err error) {
	s.run.cb.OnError(s.CallbackContext, callbacks.Failure{Err: err, Result: result})
	s.End(callbacks.End{Duration: d, Result: result, Origin: true, Err: err})
}

// End ends the scope.
func (s *Scope) End(e callbacks.End) { s.EndAttempts(e, s.retries+1) }

// EndAttempts ends the scope after a number of attempts.
func (s *Scope) EndAttempts(e callbacks.End, attempts int) {
	cc := s.CallbackContext
	switch cc.Kind() {
	case callbacks.KindPipeline:
		n := s.run.counts.of(cc)
		s.run.cb.OnPipelineEnd(cc, callbacks.PipelineEnd{End: e, Counts: n})
		if p := cc.Parent(); p != nil {
			s.run.cb.OnNestedPipelineEnd(p, callbacks.NestedPipelineEnd{End: e, Counts: n, Child: cc})
		}
	case callbacks.KindNode:
		s.run.counts.ended(cc, s.cache)
		s.run.cb.OnNodeEnd(cc, callbacks.NodeEnd{End: e, Attempts: attempts, Cache: s.cache})
	case callbacks.KindMapItem:
		s.run.counts.ended(cc, s.cache)
		s.run.cb.OnMapItemEnd(cc, callbacks.MapItemEnd{End: e, Attempts: attempts, Cache: s.cache})
	case callbacks.KindMap:
		s.EndMap(callbacks.MapEnd{End: e})
	}
}

// EndMap ends a map.
func (s *Scope) EndMap(e callbacks.MapEnd) { s.run.cb.OnMapEnd(s.CallbackContext, e) }
