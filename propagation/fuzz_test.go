package propagation

import (
	"context"
	"os"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

// sent returns what leaves for ctx over a header and an environment, after it has
// looked at it: it is printable, within the limits, and says what ctx says when
// it is read again.
func sent(ctx context.Context, t *testing.T) Header {
	t.Helper()
	h := Header{}
	Inject(ctx, h)
	for name, limit := range map[string]int{"Traceparent": 55, "Tracestate": maxState, "Baggage": maxBaggage} {
		for _, value := range h[name] {
			if len(value) > limit || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s of %d bytes: %q", name, len(value), value)
			}
		}
	}
	for _, kv := range Environ(ctx, os.Environ()[:1]) {
		if strings.ContainsAny(kv, "\r\n\x00") {
			t.Errorf("environment has %q", kv)
		}
	}
	log := logged(t)
	again := Extract(context.Background(), h)
	if log.Len() > 0 {
		t.Errorf("what was sent is not well formed: %v: %s", h, log)
	}
	if is, was := trace.SpanContextFromContext(again), current(ctx); was.IsValid() && is.TraceID() != was.TraceID() {
		t.Errorf("trace %s became %s", was.TraceID(), is.TraceID())
	}
	return h
}

// received holds what is true of whatever comes in, from strangers and others.
func received(t *testing.T, h Header) {
	t.Helper()
	logged(t)
	ctx := Extract(context.Background(), h)
	if n := baggage.FromContext(ctx).Len(); n > maxMembers {
		t.Errorf("%d members of baggage", n)
	}
	out := sent(ctx, t)
	// What was sent once is sent in the same way ever after, but for the order of
	// members.
	logged(t)
	next := sent(Extract(context.Background(), out), t)
	for _, name := range []string{"Traceparent", "Tracestate"} {
		if next.Get(name) != out.Get(name) {
			t.Errorf("%s %q became %q", name, out.Get(name), next.Get(name))
		}
	}
	stranger := Config{}.Receive(context.Background(), h)
	if id, ok := (OTel{}).RunIdentity(stranger); ok {
		t.Errorf("a stranger made identity %+v", id)
	}
	if n := baggage.FromContext(stranger).Len(); n != 0 {
		t.Errorf("%d members of a stranger's baggage", n)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add(valid)
	f.Fuzz(func(t *testing.T, value string) {
		received(t, Header{"Traceparent": {value}})
		received(t, Header{"Traceparent": strings.Split(value, "\n"), "Tracestate": {"a=1"}})
	})
}

func FuzzTracestate(f *testing.F) {
	f.Add("a=1,b=2")
	f.Fuzz(func(t *testing.T, value string) {
		received(t, Header{"Traceparent": {valid}, "Tracestate": {value}})
		received(t, Header{"Traceparent": {valid}, "Tracestate": strings.Split(value, "\n")})
	})
}

func FuzzBaggage(f *testing.F) {
	f.Add("user=anna%20b;secret;of=x,empty=")
	f.Fuzz(func(t *testing.T, value string) {
		received(t, Header{"Baggage": {value}})
		received(t, Header{"Traceparent": {valid}, "Baggage": strings.Split(value, "\n")})
	})
}

// FuzzSpanOut sends the scopes of runs whose identity came from anywhere.
func FuzzSpanOut(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), byte(1), "a=1")
	f.Fuzz(func(t *testing.T, id []byte, flags byte, state string) {
		identity := callbacks.Identity{Flags: flags, State: state}
		copy(identity.TraceID[:], id)
		run := callbacks.NewRun(context.Background(), callbacks.RunConfig{
			Identity: identity, Pipeline: &callbacks.Node{Name: "daily"}, Values: []callbacks.ContextValue{OTel{}},
		})
		logged(t)
		if h := sent(run, t); h.Get("Traceparent")[36:52] != run.SpanID().String() {
			t.Errorf("span %s was sent as %s", run.SpanID(), h.Get("Traceparent"))
		}
	})
}

// FuzzBaggageOut sends what a program may put into baggage.
func FuzzBaggageOut(f *testing.F) {
	f.Add("user", "anna b", "secret", "x", "shop")
	f.Fuzz(func(t *testing.T, key, value, property, of, namespace string) {
		logged(t)
		ctx := context.Background()
		p, err := baggage.NewKeyValuePropertyRaw(property, of)
		if err != nil {
			return
		}
		m, err := baggage.NewMemberRaw(key, value, p)
		if err != nil {
			return
		}
		bag, err := baggage.New(m)
		if err != nil {
			return
		}
		ctx = baggage.ContextWithBaggage(ctx, bag)
		if with, err := WithNamespace(ctx, namespace); err == nil {
			ctx = with
		}
		sent(ctx, t)
	})
}
