package spanloom

import (
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
	"github.com/spanloom/spanloom/propagation"
)

// Hooks returns the one that tells of runs.
func (joined) Hooks() callbacks.Hook { return callbacks.HookPipelineStart }

// OnPipelineStart says on the span of a run what it came with: the members of baggage
// that the manifest allows, and a link to the span that a caller named who is not
// trusted. It is called first of all callbacks, before any code of the run.
func (j joined) OnPipelineStart(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
	if cc.Parent() != nil {
		return
	}
	list := j.incoming.Attributes(cc.Base())
	links := linkOf(cc)
	if len(list)+len(links) > 0 {
		nodespan.Say(cc, list, links...)
	}
}

// linkOf returns the link of a new root to whoever asked for it. A run under a span,
// and one that has left the trace of its node, were not asked for by a caller.
func linkOf(cc *callbacks.CallbackContext) []nodespan.Link {
	id := cc.Identity()
	caller, ok := propagation.Incoming(cc.Base())
	if !ok || id.Parent.IsValid() || id.LinkSpan.IsValid() {
		return nil
	}
	// Neither the flags nor the tracestate of a stranger go on.
	return []nodespan.Link{{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: caller.TraceID(), SpanID: caller.SpanID(), Remote: true,
	})}}
}
