package propagation

import (
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// SpanContext returns the ids of cc's scope, with the flags and the tracestate
// of its run. A tracestate that is malformed is left out.
func SpanContext(cc *callbacks.CallbackContext) trace.SpanContext {
	id := cc.Identity()
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID(id.TraceID),
		SpanID:     trace.SpanID(cc.SpanID()),
		TraceFlags: trace.TraceFlags(id.Flags),
		TraceState: parseState(id.State),
	})
}

// parsedState is a tracestate header and what it means.
type parsedState struct {
	header string
	state  trace.TraceState
}

// lastState saves parsing: all scopes of a run have the same header, and most
// programs see few different ones.
var lastState atomic.Pointer[parsedState]

func parseState(header string) trace.TraceState {
	if header == "" {
		return trace.TraceState{}
	}
	if last := lastState.Load(); last != nil && last.header == header {
		return last.state
	}
	state, err := trace.ParseTraceState(header)
	if err != nil {
		state = trace.TraceState{}
	}
	lastState.Store(&parsedState{header, state})
	return state
}
