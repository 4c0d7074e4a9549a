package callbacktest

import (
	"errors"
	"fmt"
	"math"

	"github.com/spanloom/spanloom/callbacks"
)

// maxErrors bounds what Check says: one broken rule breaks others.
const maxErrors = 20

// Check reports, joined, every break of the rules on
// [callbacks.PipelineCallback] in the events of any number of finished runs, or
// of the parts of them that a callback heard which was added to a step.
// Each error begins with the number of its rule. Rule 3, which needs the edges
// of the plan, is for the emitter's own tests.
func Check(events []Event) error {
	c := &checker{
		scopes: map[*callbacks.CallbackContext]*scope{},
		runs:   map[string]*run{},

		crashed: crashes{},
	}
	for _, ev := range events {
		c.event(ev)
	}
	c.finish()
	return errors.Join(c.errs...)
}

// checker follows the scopes of the runs whose events it is given.
type checker struct {
	scopes map[*callbacks.CallbackContext]*scope
	order  []*scope
	runs   map[string]*run
	errs   []error

	crashed crashes
}

// run is what all scopes of a run must agree on.
type run struct {
	trace callbacks.TraceID
	paths map[placeInRun]bool
	spans map[callbacks.SpanID]bool

	whole bool // the root pipeline is heard, not just a part
}

type placeInRun struct {
	kind callbacks.Kind
	path string
}

// scope is one context and what was said of it.
type scope struct {
	cc      *callbacks.CallbackContext
	nested  bool // its parent said OnNestedPipelineStart
	closed  bool // its parent said OnNestedPipelineEnd
	started bool
	ended   bool
	end     callbacks.End
	only    callbacks.Hook // the hook that must be the only one
	open    int            // children that have not ended
	inside  string         // the path of a scope inside that failed
	failure []callbacks.Failure
	retries int
	marked  bool // of a scope that has not started: values were replayed
	mapping *mapping
	heard   callbacks.Counts // of a pipeline: what was heard to end inside
	said    callbacks.Counts // of a pipeline: what its end said
}

// running reports whether a hook may be called between Start and End.
func (s *scope) running() bool { return s.started && !s.ended }

type mapping struct {
	size, concurrency                             int
	succeeded, failed, cached, skipped, cancelled int
	seen                                          map[int]bool
}

func (c *checker) errorf(rule int, cc *callbacks.CallbackContext, format string, args ...any) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, fmt.Errorf("rule %d: %s %s: %s", rule, cc.Kind(), cc.Path(), fmt.Sprintf(format, args...)))
	}
}

func (c *checker) event(ev Event) {
	cc := ev.Context
	if e, ok := ev.Event.(callbacks.Crashed); ok {
		c.crash(cc, e)
		return
	}
	s := c.scope(cc)
	if s.only != 0 {
		c.errorf(6, cc, "%s after %s, which must be the only hook", ev.Hook, s.only)
		return
	}
	switch e := ev.Event.(type) {
	case callbacks.PipelineStart:
		c.start(s, callbacks.KindPipeline)
	case callbacks.PipelineEnd:
		c.end(s, callbacks.KindPipeline, e.End)
		s.said = e.Counts
	case callbacks.NodeStart:
		c.start(s, callbacks.KindNode)
	case callbacks.NodeEnd:
		c.attempts(s, e.End, e.Attempts)
		c.end(s, callbacks.KindNode, e.End)
		c.ended(cc, false, e.Cache)
	case callbacks.NodeCached:
		if c.alone(s, ev.Hook, callbacks.KindNode) {
			c.ended(cc, true, nil)
		}
	case callbacks.NodeSkipped:
		c.alone(s, ev.Hook, cc.Kind())
	case callbacks.NestedPipelineStart:
		c.nestedStart(cc, e.Child)
	case callbacks.NestedPipelineEnd:
		c.nestedEnd(cc, e)
	case callbacks.MapStart:
		s.mapping = &mapping{size: e.Size, concurrency: e.Concurrency, seen: map[int]bool{}}
		c.start(s, callbacks.KindMap)
	case callbacks.MapEnd:
		c.mapEnd(s, e)
	case callbacks.MapItemStart:
		c.start(s, callbacks.KindMapItem)
	case callbacks.MapItemEnd:
		c.attempts(s, e.End, e.Attempts)
		c.end(s, callbacks.KindMapItem, e.End)
		c.count(cc, e.Result, false)
		c.ended(cc, false, e.Cache)
	case callbacks.MapItemCached:
		if c.alone(s, ev.Hook, callbacks.KindMapItem) {
			c.ended(cc, true, nil)
			c.count(cc, callbacks.ResultSuccess, true)
		}
	case callbacks.Failure:
		c.failure(s, e)
	case callbacks.NodeRetry:
		c.retry(s, e)
	case callbacks.Emit:
		c.inside(s, ev.Hook)
	case callbacks.Metric:
		c.metric(s, e)
	}
}

func (c *checker) scope(cc *callbacks.CallbackContext) *scope {
	s := c.scopes[cc]
	if s == nil {
		s = &scope{cc: cc}
		c.scopes[cc] = s
		c.order = append(c.order, s)
	}
	return s
}

func (c *checker) start(s *scope, want callbacks.Kind) {
	cc := s.cc
	if s.started {
		c.errorf(1, cc, "started twice")
		return
	}
	s.started = true
	if s.marked && s.only == 0 {
		c.errorf(10, cc, "started after OnMetric with a value that was replayed")
	}
	c.kind(cc, "start", want)
	c.place(s)
	parent := cc.Parent()
	r := c.runs[cc.RunID()]
	if parent == nil {
		if len(r.paths) > 1 {
			c.errorf(2, cc, "started after scopes inside it")
		}
		r.whole = true
		return
	}
	p := c.scope(parent)
	if p.ended || !p.started && r.whole {
		c.errorf(2, cc, "started while its parent %s is not running", parent.Path())
	}
	p.open++
	if want == callbacks.KindPipeline && s.only == 0 && !s.nested {
		c.errorf(4, cc, "OnPipelineStart of a nested pipeline without OnNestedPipelineStart")
	}
	if want == callbacks.KindMapItem {
		c.item(cc, p)
	}
}

// alone checks a hook that stands in for Start and End.
func (c *checker) alone(s *scope, h callbacks.Hook, want callbacks.Kind) bool {
	if s.started || s.nested {
		c.errorf(6, s.cc, "%s after other hooks", h)
		return false
	}
	s.only = h
	c.start(s, want)
	c.end(s, want, callbacks.End{Result: callbacks.ResultSuccess})
	return true
}

func (c *checker) kind(cc *callbacks.CallbackContext, what string, want callbacks.Kind) {
	isJob := want == callbacks.KindNode && cc.Kind() == callbacks.KindJob
	if cc.Kind() != want && !isJob {
		c.errorf(4, cc, "%s of a %s with the context of a %s", what, want, cc.Kind())
	}
}

// item checks the index of a map item against its map.
func (c *checker) item(cc *callbacks.CallbackContext, parent *scope) {
	m := parent.mapping
	switch {
	case m == nil:
		c.errorf(5, cc, "a map item outside of a map")
	case cc.Index() < 0 || cc.Index() >= m.size:
		c.errorf(5, cc, "index %d of a map of %d", cc.Index(), m.size)
	case m.seen[cc.Index()]:
		c.errorf(5, cc, "item started twice")
	default:
		m.seen[cc.Index()] = true
	}
}

func (c *checker) count(cc *callbacks.CallbackContext, r callbacks.Result, cached bool) {
	p := c.scopes[cc.Parent()]
	if p == nil || p.mapping == nil {
		return
	}
	switch m := p.mapping; {
	case cached:
		m.cached++
	case r == callbacks.ResultSuccess:
		m.succeeded++
	case r == callbacks.ResultSkip:
		m.skipped++
	case r == callbacks.ResultCancellation:
		m.cancelled++
	default:
		m.failed++
	}
}

// failed reports whether a result is that of a failure, or of a scope around
// one.
func failed(r callbacks.Result) bool {
	return r == callbacks.ResultFailure || r == callbacks.ResultError || r == callbacks.ResultTimeout
}

func (c *checker) end(s *scope, want callbacks.Kind, e callbacks.End) {
	cc := s.cc
	c.kind(cc, "end", want)
	switch {
	case !s.started:
		c.errorf(1, cc, "ended without a start")
	case s.ended:
		c.errorf(1, cc, "ended twice")
		return
	}
	if s.open > 0 {
		c.errorf(2, cc, "ended before %d of its children", s.open)
	}
	s.ended, s.end = true, e
	if p := c.scopes[cc.Parent()]; p != nil && s.started {
		p.open--
	}
	if e.Duration < 0 {
		c.errorf(1, cc, "negative duration %s", e.Duration)
	}
	if e.Result < callbacks.ResultSuccess || e.Result > callbacks.ResultSubmitted || e.Result == callbacks.ResultSubmitted && cc.Kind() != callbacks.KindJob {
		c.errorf(1, cc, "ended with result %s", e.Result)
	}
	if (e.Err == nil) != (e.Result == callbacks.ResultSuccess || e.Result == callbacks.ResultSkip || e.Result == callbacks.ResultSubmitted) {
		c.errorf(1, cc, "result %s with error %v", e.Result, e.Err)
	}
	c.origin(s)
}

// origin checks how the end of a scope goes together with OnError and the ends
// of the scopes inside.
func (c *checker) origin(s *scope) {
	e := s.end
	want := 0
	if e.Origin {
		want = 1
	}
	switch {
	case len(s.failure) != want:
		c.errorf(7, s.cc, "OnError was called %d times, want %d (result %s, origin %t)", len(s.failure), want, e.Result, e.Origin)
	case want == 1 && (s.failure[0].Result != e.Result || text(s.failure[0].Err) != text(e.Err)):
		c.errorf(7, s.cc, "OnError with %s, %s; ended with %s, %s", s.failure[0].Result, text(s.failure[0].Err), e.Result, text(e.Err))
	}
	switch {
	case e.Result == callbacks.ResultSuccess || e.Result == callbacks.ResultSkip:
		if s.inside != "" {
			c.errorf(7, s.cc, "ended with %s, but %s inside it failed", e.Result, s.inside)
		}
	case failed(e.Result):
		for cc := s.cc.Parent(); cc != nil; cc = cc.Parent() {
			if p := c.scopes[cc]; p != nil && p.started {
				p.inside = s.cc.Path()
				break
			}
		}
	}
}

// text returns what an error says. Two errors cannot be compared: their type
// may not allow it.
func text(err error) string {
	if err == nil {
		return "no error"
	}
	return fmt.Sprintf("%q", err.Error())
}

func (c *checker) failure(s *scope, f callbacks.Failure) {
	if !s.running() {
		c.errorf(7, s.cc, "OnError outside of its Start and End")
	}
	if f.Err == nil {
		c.errorf(7, s.cc, "OnError without an error")
	}
	if !failed(f.Result) {
		c.errorf(7, s.cc, "OnError with result %s", f.Result)
	}
	s.failure = append(s.failure, f)
}

// inside checks a hook that is called while the code of a scope runs.
func (c *checker) inside(s *scope, h callbacks.Hook) {
	switch k := s.cc.Kind(); {
	case k != callbacks.KindNode && k != callbacks.KindMapItem:
		c.errorf(10, s.cc, "%s with the context of a %s", h, k)
	case !s.running():
		c.errorf(10, s.cc, "%s outside of its Start and End", h)
	}
}

func (c *checker) retry(s *scope, e callbacks.NodeRetry) {
	c.inside(s, callbacks.HookNodeRetry)
	s.retries++
	if e.Attempt != s.retries {
		c.errorf(10, s.cc, "OnNodeRetry of attempt %d, want %d", e.Attempt, s.retries)
	}
	if e.Err == nil {
		c.errorf(10, s.cc, "OnNodeRetry without an error")
	}
	if e.Start < 0 || e.Duration < 0 {
		c.errorf(10, s.cc, "OnNodeRetry of an attempt that began at %s and took %s", e.Start, e.Duration)
	}
	if e.Delay < 0 {
		c.errorf(10, s.cc, "OnNodeRetry with the negative delay %s", e.Delay)
	}
}

// metric checks a value that was marked, now or by an earlier start of the run.
func (c *checker) metric(s *scope, e callbacks.Metric) {
	switch {
	case e.Name == "":
		c.errorf(10, s.cc, "OnMetric without a name")
	case math.IsNaN(e.Value) || math.IsInf(e.Value, 0):
		c.errorf(10, s.cc, "OnMetric of %s with %v", e.Name, e.Value)
	case e.At < 0:
		c.errorf(10, s.cc, "OnMetric of %s at %s", e.Name, e.At)
	}
	k := s.cc.Kind()
	switch scoped := k == callbacks.KindNode || k == callbacks.KindMapItem; {
	case !e.Replayed || !scoped:
		c.inside(s, callbacks.HookMetric)
	case s.started:
		c.errorf(10, s.cc, "OnMetric with a value that was replayed, after other hooks")
	default:
		s.marked = true
	}
}

// attempts checks the attempts of an end. The wait for the last one may have
// been cut short, by a cancellation or by the deadline of the run.
func (c *checker) attempts(s *scope, e callbacks.End, n int) {
	cut := e.Result == callbacks.ResultCancellation || e.Result == callbacks.ResultTimeout
	if n != s.retries+1 && (!cut || n != s.retries || n == 0) {
		c.errorf(10, s.cc, "ended with %d attempts after %d calls of OnNodeRetry", n, s.retries)
	}
}

func (c *checker) nestedStart(parent, child *callbacks.CallbackContext) {
	s := c.scope(child)
	if s.started || s.nested {
		c.errorf(4, child, "OnNestedPipelineStart after its start")
	}
	if child.Parent() != parent {
		c.errorf(4, child, "OnNestedPipelineStart with the context of %s, which is not its parent", parent.Path())
	}
	s.nested = true
}

func (c *checker) nestedEnd(parent *callbacks.CallbackContext, e callbacks.NestedPipelineEnd) {
	s := c.scope(e.Child)
	if !s.nested || s.started && !s.ended || s.closed {
		c.errorf(4, e.Child, "OnNestedPipelineEnd, with the context of %s, not after OnPipelineEnd", parent.Path())
	}
	if s.ended && (s.end.Result != e.Result || s.end.Origin != e.Origin || text(s.end.Err) != text(e.Err)) {
		c.errorf(4, e.Child, "OnNestedPipelineEnd with %s, %s; OnPipelineEnd said %s, %s",
			e.Result, text(e.Err), s.end.Result, text(s.end.Err))
	}
	if s.ended && s.said != e.Counts {
		c.errorf(4, e.Child, "OnNestedPipelineEnd counts %+v; OnPipelineEnd said %+v", e.Counts, s.said)
	}
	s.closed = true
}

func (c *checker) mapEnd(s *scope, e callbacks.MapEnd) {
	c.end(s, callbacks.KindMap, e.End)
	cc, m := s.cc, s.mapping
	if m == nil {
		return // rule 1
	}
	if e.Concurrency != m.concurrency {
		c.errorf(5, cc, "ended with concurrency %d, started with %d", e.Concurrency, m.concurrency)
	}
	if e.Size() != m.size {
		c.errorf(5, cc, "counts %d ok, %d failed, %d cached, %d skipped of a map of %d",
			e.Succeeded, e.Failed, e.Cached, e.Skipped, m.size)
	}
	if e.Succeeded != m.succeeded || e.Failed != m.failed || e.Cached != m.cached {
		c.errorf(5, cc, "counts %d ok, %d failed, %d cached, but its items say %d, %d, %d",
			e.Succeeded, e.Failed, e.Cached, m.succeeded, m.failed, m.cached)
	}
	if e.Result == callbacks.ResultSuccess && e.Skipped > m.skipped {
		c.errorf(5, cc, "ended with success, but %d of %d items were cancelled or not started", e.Skipped-m.skipped, m.size)
	}
}

// place checks what identifies a scope.
func (c *checker) place(s *scope) {
	cc := s.cc
	r := c.runs[cc.RunID()]
	if r == nil {
		r = &run{trace: cc.TraceID(), paths: map[placeInRun]bool{}, spans: map[callbacks.SpanID]bool{}}
		c.runs[cc.RunID()] = r
	}
	if cc.TraceID() != r.trace {
		c.errorf(8, cc, "trace id %s in a run of trace %s", cc.TraceID(), r.trace)
	}
	if id := cc.SpanID(); !id.IsValid() || r.spans[id] {
		c.errorf(8, cc, "span id %s is used twice or invalid", id)
	} else {
		r.spans[id] = true
	}
	at := placeInRun{cc.Kind(), cc.Path()}
	if r.paths[at] {
		c.errorf(9, cc, "path is used twice")
	}
	r.paths[at] = true
	depth := 0
	if p := cc.Parent(); p != nil {
		if cc.ParentSpanID() != p.SpanID() {
			c.errorf(8, cc, "parent span id %s, want %s", cc.ParentSpanID(), p.SpanID())
		}
		if path := p.Path(); len(at.path) < len(path) || at.path[:len(path)] != path {
			c.errorf(9, cc, "path does not begin with its parent's, %s", path)
		}
		depth = p.Depth()
		if cc.Kind() == callbacks.KindPipeline {
			depth++
		}
	}
	if cc.Depth() != depth {
		c.errorf(9, cc, "depth %d, want %d", cc.Depth(), depth)
	}
}

func (c *checker) finish() {
	c.orphans()
	for _, s := range c.order {
		if s.started && !s.ended {
			c.errorf(1, s.cc, "started and never ended")
		}
		if s.marked && (s.only == 0 && !s.started || s.only == callbacks.HookNodeSkipped) {
			c.errorf(10, s.cc, "OnMetric with a value that was replayed, and no hook that says that it is cached")
		}
		if s.nested && !s.closed {
			c.errorf(4, s.cc, "OnNestedPipelineStart without OnNestedPipelineEnd")
		}
	}
	if len(c.errs) > 0 {
		return // what else is broken may break the counts
	}
	for _, s := range c.order {
		if s.ended && s.cc.Kind() == callbacks.KindPipeline {
			c.counts(s)
		}
	}
}
