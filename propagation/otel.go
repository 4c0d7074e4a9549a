package propagation

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// OTel joins runs with the OpenTelemetry spans around and inside them. The zero
// value is ready, and may be embedded in a callback.
type OTel struct {
	// Outer is the place of runs that are started without a span in their
	// context, such as under the process that started this one:
	//
	//	ctx := propagation.FromEnvironment(context.Background())
	//	outer, _ := propagation.OTel{}.RunIdentity(ctx)
	//	joined := propagation.OTel{Outer: outer}
	//
	// Runs that a request led to, as [Config.Receive] says, are new roots all the
	// same. Defaults to none: they are all new roots.
	Outer callbacks.Identity
	// Provider is what the span of a node says that it is from: tracers of it make
	// the spans of code that asks the current span for one. Defaults to one that
	// makes no spans.
	Provider trace.TracerProvider
	// Namespace is what the baggage of node code has under [NamespaceKey], unless the
	// context of the run has another, or no room. Defaults to what that has.
	Namespace string
}

var (
	_ callbacks.RunIdentity  = OTel{}
	_ callbacks.ContextValue = OTel{}
)

// RunIdentity returns the place under the span in ctx, or else Outer. It returns
// false when there is neither, or the ids are not valid, and the run becomes a
// new root.
//
// The context of a node is a context with a span too: a run that a node starts
// stands under that node.
func (o OTel) RunIdentity(ctx context.Context) (callbacks.Identity, bool) {
	sc := current(ctx)
	if !sc.IsValid() {
		if ctx.Value(incomingKey{}) != nil || !o.Outer.Parent.IsValid() {
			return callbacks.Identity{}, false
		}
		return o.Outer, o.Outer.TraceID != callbacks.TraceID{}
	}
	return callbacks.Identity{
		TraceID: callbacks.TraceID(sc.TraceID()),
		Parent:  callbacks.SpanID(sc.SpanID()),
		Flags:   byte(sc.TraceFlags()),
		State:   sc.TraceState().String(),
	}, true
}

// ContextValue answers the key under which OpenTelemetry looks for the current
// span with a span that has the ids of cc's scope, and that under which it looks for
// baggage with one that has the namespace. They are made when they are asked for: a
// node that never asks costs nothing.
func (o OTel) ContextValue(cc *callbacks.CallbackContext, key any) any {
	if o.Namespace != "" && bagKey.known && key == bagKey.key {
		return o.baggage(cc, key)
	}
	if !spanKey.known {
		return answerUnknown(&span{cc: cc, provider: o.Provider}, key)
	}
	if key != spanKey.key {
		return nil
	}
	return &span{cc: cc, provider: o.Provider}
}
