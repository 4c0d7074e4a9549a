package telemetry

import (
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

const (
	// maxNoted is the most scopes that something is noted of: where Ends are
	// lost, notes would stay for ever.
	maxNoted = 4096
	// maxEvents is the most events of a span, the exception of a failure aside.
	maxEvents = 32
)

// notes keeps what is said of scopes before they end. Few scopes have notes, and
// while none has, an End costs one load.
type notes struct {
	count atomic.Int64
	mu    sync.RWMutex
	of    map[noted]*note
}

// noted is a scope. The same place of a run has the same span id when the run is
// started again, but then the first has ended.
type noted struct {
	trace callbacks.TraceID
	span  callbacks.SpanID
}

type note struct {
	events  []sdktrace.Event
	dropped int
	resumed *callbacks.Resumed
	started []sdktrace.Link // the runs that its code started, in traces of their own
	inputs  attribute.KeyValue
	retried retried
}

func key(cc *callbacks.CallbackContext) noted { return noted{cc.TraceID(), cc.SpanID()} }

func (n *notes) any() bool { return n.count.Load() > 0 }

// write calls f with the note of cc's scope.
func (n *notes) write(cc *callbacks.CallbackContext, f func(*note)) { n.writeKey(key(cc), f) }

func (n *notes) writeKey(k noted, f func(*note)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := n.of[k]
	if at == nil {
		if n.of == nil {
			n.of = map[noted]*note{}
		}
		if len(n.of) >= maxNoted {
			for old := range n.of { // whichever: it is not known what was lost
				delete(n.of, old)
				break
			}
		}
		at = &note{}
		n.of[k] = at
		n.count.Store(int64(len(n.of)))
	}
	f(at)
}

// event notes an event of cc's span, unless that has many.
func (n *notes) event(cc *callbacks.CallbackContext, ev sdktrace.Event) {
	n.write(cc, func(at *note) {
		if len(at.events) >= maxEvents {
			at.dropped++
			return
		}
		at.events = append(at.events, ev)
	})
}

// take moves what was noted of cc's scope to its span. A note that was made in
// another process than the event may seem to be from after the span's end.
func (n *notes) take(cc *callbacks.CallbackContext, s *span) {
	k := key(cc)
	n.mu.RLock()
	at := n.of[k]
	n.mu.RUnlock()
	if at == nil { // as of most, whatever else has notes
		return
	}
	n.mu.Lock()
	delete(n.of, k)
	n.count.Store(int64(len(n.of)))
	n.mu.Unlock()
	for i, ev := range at.events {
		switch {
		case ev.Time.Before(s.start):
			at.events[i].Time = s.start
		case ev.Time.After(s.end):
			at.events[i].Time = s.end
		}
	}
	if len(at.events) > 0 {
		m := s.grow()
		m.events, m.dropped = at.events, at.dropped
	}
	if at.resumed != nil {
		s.resumed(at.resumed)
	}
	if len(at.started) > 0 {
		m := s.grow()
		m.links = append(m.links, at.started...)
	}
	if at.inputs.Valid() {
		s.add(at.inputs)
	}
	s.retried = at.retried
}

// resumed adds what a run continues: where it was before, if that is another
// trace.
func (s *span) resumed(r *callbacks.Resumed) {
	s.add(keyRunStarts.Int(r.Starts + 1))
	if trace.TraceID(r.TraceID) != s.context.TraceID() {
		s.link(r.TraceID, r.SpanID, true)
	}
}

// OnPipelineStart follows a pipeline, and notes what it continues and its inputs.
func (c *Callback) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	c.begun(cc)
	c.inputs(cc, ev.Inputs)
	c.started(cc)
	if ev.Resumed == nil || !c.follows(cc) {
		return
	}
	before := *ev.Resumed // an event is not ours to keep
	c.notes.write(cc, func(n *note) { n.resumed = &before })
}

// OnNodeSkipped notes an event of the span around: a step that did not run has
// none.
func (c *Callback) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	parent := cc.Parent()
	if parent == nil || !c.follows(cc) {
		return
	}
	at := cc.Start()
	if at.IsZero() { // an emitter without times
		at = time.Now()
	}
	e := sdktrace.Event{Name: "skip", Time: at}
	e.Attributes = append(e.Attributes,
		keyNodeName.String(valid(cc.Name())), keyPath.String(valid(cc.Path())), keySkipReason.String(shorten(ev.Reason, maxMessage)))
	c.notes.event(parent, e)
}
