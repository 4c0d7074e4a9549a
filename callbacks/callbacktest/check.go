package callbacktest

import (
	"errors"
	"fmt"

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
	open    int // children that have not ended
	failed  int // calls of OnError
	mapping *mapping
}

type mapping struct {
	size, concurrency                    int
	succeeded, failed, cached, cancelled int
	seen                                 map[int]bool
}

func (c *checker) errorf(rule int, cc *callbacks.CallbackContext, format string, args ...any) {
	if len(c.errs) < maxErrors {
		c.errs = append(c.errs, fmt.Errorf("rule %d: %s %s: %s", rule, cc.Kind(), cc.Path(), fmt.Sprintf(format, args...)))
	}
}

func (c *checker) event(ev Event) {
	switch e := ev.Event.(type) {
	case callbacks.PipelineStart:
		c.start(ev.Context, callbacks.KindPipeline)
	case callbacks.PipelineEnd:
		c.end(ev.Context, e.End)
	case callbacks.NodeStart:
		c.start(ev.Context, callbacks.KindNode)
	case callbacks.NodeEnd:
		c.end(ev.Context, e.End)
		if e.Attempts < 1 {
			c.errorf(1, ev.Context, "OnNodeEnd with %d attempts", e.Attempts)
		}
	case callbacks.NodeCached:
		c.start(ev.Context, callbacks.KindNode)
		c.end(ev.Context, callbacks.End{Result: callbacks.ResultSuccess})
	case callbacks.NestedPipelineStart:
		c.nestedStart(ev.Context, e.Child)
	case callbacks.NestedPipelineEnd:
		c.nestedEnd(ev.Context, e)
	case callbacks.MapStart:
		c.start(ev.Context, callbacks.KindMap).mapping = &mapping{
			size: e.Size, concurrency: e.Concurrency, seen: map[int]bool{},
		}
	case callbacks.MapEnd:
		c.mapEnd(ev.Context, e)
	case callbacks.MapItemStart:
		c.start(ev.Context, callbacks.KindMapItem)
	case callbacks.MapItemEnd:
		c.end(ev.Context, e.End)
		c.count(ev.Context, e.Result, false)
	case callbacks.MapItemCached:
		c.start(ev.Context, callbacks.KindMapItem)
		c.end(ev.Context, callbacks.End{Result: callbacks.ResultSuccess})
		c.count(ev.Context, callbacks.ResultSuccess, true)
	case callbacks.Failure:
		c.failure(ev.Context, e)
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

func (c *checker) start(cc *callbacks.CallbackContext, want callbacks.Kind) *scope {
	s := c.scope(cc)
	if s.started {
		c.errorf(1, cc, "started twice")
	}
	s.started = true
	if cc.Kind() != want {
		c.errorf(4, cc, "a start of a %s with the context of a %s", want, cc.Kind())
	}
	c.place(s)
	parent := cc.Parent()
	r := c.runs[cc.RunID()]
	if parent == nil {
		if len(r.paths) > 1 {
			c.errorf(2, cc, "started after scopes inside it")
		}
		r.whole = true
		return s
	}
	p := c.scope(parent)
	if p.ended || !p.started && r.whole {
		c.errorf(2, cc, "started while its parent %s is not running", parent.Path())
	}
	p.open++
	if want == callbacks.KindPipeline && !s.nested {
		c.errorf(4, cc, "OnPipelineStart of a nested pipeline without OnNestedPipelineStart")
	}
	if want == callbacks.KindMapItem {
		c.item(cc, p)
	}
	return s
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
	case r == callbacks.ResultCancellation || r == callbacks.ResultSkip:
		m.cancelled++
	default:
		m.failed++
	}
}

func (c *checker) end(cc *callbacks.CallbackContext, e callbacks.End) {
	s := c.scope(cc)
	switch {
	case !s.started:
		c.errorf(1, cc, "ended without a start")
	case s.ended:
		c.errorf(1, cc, "ended twice")
	}
	if s.open > 0 {
		c.errorf(2, cc, "ended before %d of its children", s.open)
	}
	s.ended = true
	if p := c.scopes[cc.Parent()]; p != nil {
		p.open--
	}
	if e.Duration < 0 {
		c.errorf(1, cc, "negative duration %s", e.Duration)
	}
	if (e.Err == nil) != (e.Result == callbacks.ResultSuccess || e.Result == callbacks.ResultSkip) {
		c.errorf(1, cc, "result %s with error %v", e.Result, e.Err)
	}
	want := 0
	if e.Origin {
		want = 1
	}
	if s.failed != want {
		c.errorf(7, cc, "OnError was called %d times, want %d (result %s, origin %t)", s.failed, want, e.Result, e.Origin)
	}
}

func (c *checker) failure(cc *callbacks.CallbackContext, f callbacks.Failure) {
	s := c.scope(cc)
	if !s.started || s.ended {
		c.errorf(7, cc, "OnError outside of its Start and End")
	}
	if f.Err == nil {
		c.errorf(7, cc, "OnError without an error")
	}
	if f.Result == callbacks.ResultCancellation || f.Result == callbacks.ResultSuccess || f.Result == callbacks.ResultSkip {
		c.errorf(7, cc, "OnError with result %s", f.Result)
	}
	s.failed++
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
	s.closed = true
}

func (c *checker) mapEnd(cc *callbacks.CallbackContext, e callbacks.MapEnd) {
	c.end(cc, e.End)
	m := c.scope(cc).mapping
	if m == nil {
		c.errorf(5, cc, "OnMapEnd without OnMapStart")
		return
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
	for _, s := range c.order {
		if s.started && !s.ended {
			c.errorf(1, s.cc, "started and never ended")
		}
		if s.nested && !s.closed {
			c.errorf(4, s.cc, "OnNestedPipelineStart without OnNestedPipelineEnd")
		}
	}
}
