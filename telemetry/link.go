package telemetry

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// maxLinks is the most runs that the span of one node leads to.
const maxLinks = 128

// around returns the scope in which a run of another trace was started, if cc is the
// run's.
func around(cc *callbacks.CallbackContext) (noted, bool) {
	if cc.Parent() != nil {
		return noted{}, false
	}
	id := cc.Identity()
	return noted{id.LinkTrace, id.LinkSpan}, id.LinkSpan.IsValid() && id.LinkTrace != callbacks.TraceID{}
}

// started notes that a node has started the run of cc.
func (c *Callback) started(cc *callbacks.CallbackContext) {
	node, ok := around(cc)
	if !ok || !c.follows(cc) {
		return
	}
	link := sdktrace.Link{SpanContext: propagation.SpanContext(cc)}
	c.notes.writeKey(node, func(n *note) {
		if len(n.started) < maxLinks {
			n.started = append(n.started, link)
		}
	})
}

// linked adds the node that has started the run of cc.
func (s *span) linked(cc *callbacks.CallbackContext) {
	node, ok := around(cc)
	if !ok {
		return
	}
	s.link(node.trace, node.span, false)
}

// link leads to another span, if the ids are those of one. A remote one may have
// been made by another process.
func (s *span) link(traceID callbacks.TraceID, spanID callbacks.SpanID, remote bool) {
	to := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(traceID), SpanID: trace.SpanID(spanID), TraceFlags: s.context.TraceFlags(), Remote: remote,
	})
	if to.IsValid() {
		m := s.grow()
		m.links = append(m.links, sdktrace.Link{SpanContext: to})
	}
}
