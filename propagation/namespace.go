package propagation

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/baggage"

	"github.com/spanloom/spanloom/callbacks"
)

// NamespaceKey is the key of the namespace in baggage, and of the attribute that
// may be made of it.
const NamespaceKey = "spanloom.namespace"

// WithNamespace returns a context whose baggage has the namespace, which runs
// under it pass on to whatever they call. An empty namespace takes it out.
//
// It fails when the namespace is not valid UTF-8, and when the baggage would
// have more than 64 members or 8192 bytes and so would not be sent.
func WithNamespace(ctx context.Context, namespace string) (context.Context, error) {
	bag := baggage.FromContext(ctx)
	if namespace == "" {
		return baggage.ContextWithBaggage(ctx, bag.DeleteMember(NamespaceKey)), nil
	}
	m, err := baggage.NewMemberRaw(NamespaceKey, namespace)
	if err != nil {
		return ctx, fmt.Errorf("namespace %q: not valid UTF-8", namespace)
	}
	bag, err = bag.SetMember(m)
	if err != nil {
		return ctx, fmt.Errorf("namespace %q: %w", namespace, err)
	}
	if n := bag.Len(); n > maxMembers {
		return ctx, fmt.Errorf("namespace: the baggage has %d members with it, at most %d can be sent", n, maxMembers)
	}
	if n := len(bag.String()); n > maxBaggage {
		return ctx, fmt.Errorf("namespace: the baggage has %d bytes with it, at most %d can be sent", n, maxBaggage)
	}
	return baggage.ContextWithBaggage(ctx, bag), nil
}

// baggage returns what OpenTelemetry is to find in cc under its key of baggage: that
// of the run with the namespace, or nil for that of the run as it is.
func (o OTel) baggage(cc *callbacks.CallbackContext, key any) any {
	base := cc.Base()
	if baggage.FromContext(base).Member(NamespaceKey).Key() != "" {
		return nil
	}
	ctx, err := WithNamespace(base, o.Namespace)
	if err != nil {
		return nil
	}
	return ctx.Value(key)
}
