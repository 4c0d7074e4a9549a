package propagation

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Config says whom to trust. The zero Config trusts nobody. It must not be
// changed while it is used; its methods may be called concurrently.
type Config struct {
	// TrustIncoming makes requests part of the trace that they name, with its
	// decision about sampling and its baggage. Set it where only your own
	// services can call. Defaults to false: every request is a new root, see
	// [Incoming].
	TrustIncoming bool
	// Hosts are the names of hosts, without a port, that baggage is sent to;
	// ".example.com" stands for all hosts below example.com. Defaults to none.
	Hosts []string
	// Baggage are the keys of the members of baggage that become attributes, by
	// [Config.Attributes]. Defaults to none.
	Baggage []string
}

// Receive returns the context for what came with carrier from another process,
// such as a request or a message. It never fails; see [Extract] for the limits.
//
// With TrustIncoming it continues the trace. Otherwise the baggage is dropped,
// what runs under the context is a new root, sampled as such, and the span that
// the sender named is kept for a link only, see [Incoming].
//
// A context that has a span already is returned as it is: whoever put it there,
// such as a tracing handler around this one, has decided.
func (c Config) Receive(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if current(ctx).IsValid() {
		return ctx
	}
	sc := readSpan(ctx, carrier)
	if !c.TrustIncoming {
		return context.WithValue(ctx, incomingKey{}, sc)
	}
	ctx = context.WithValue(ctx, incomingKey{}, trace.SpanContext{})
	return join(ctx, sc, readBaggage(ctx, carrier))
}

// incomingKey is the key of the span that an untrusted sender named. With one
// that is not valid it still says that the work began with a request, and so not
// under the span that the process was started under.
type incomingKey struct{}

// Incoming returns the span that an untrusted sender named, and whether there is
// one. It is for a link from the root of the run that the request led to, whose
// context has it as well; no id, flag or state of it may be used otherwise.
func Incoming(ctx context.Context) (trace.SpanContext, bool) {
	sc, _ := ctx.Value(incomingKey{}).(trace.SpanContext)
	return sc, sc.IsValid()
}

// Send writes the span of ctx into carrier, as [Inject] does, and the baggage
// only if host is one of Hosts. Otherwise carrier is left without baggage, even
// if it had some.
func (c Config) Send(ctx context.Context, carrier propagation.TextMapCarrier, host string) {
	f := fieldsOf(ctx)
	if !c.knows(host) {
		f.baggage = ""
	}
	inject(carrier, f)
}

func (c Config) knows(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host != "" && slices.ContainsFunc(c.Hosts, func(known string) bool {
		known = strings.ToLower(known)
		return host == known || strings.HasPrefix(known, ".") && strings.HasSuffix(host, known)
	})
}

// Attributes returns those members of ctx's baggage that the field Baggage
// allows, in its order, under the same keys.
func (c Config) Attributes(ctx context.Context) []attribute.KeyValue {
	bag := baggage.FromContext(ctx)
	var list []attribute.KeyValue
	for _, key := range c.Baggage {
		if m := bag.Member(key); m.Key() != "" {
			list = append(list, attribute.String(key, m.Value()))
		}
	}
	return list
}
