package propagation

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

var came = Map{"traceparent": valid, "tracestate": "a=1", "baggage": "user=anna"}

func TestReceive(t *testing.T) {
	outer := callbacks.Identity{TraceID: callbacks.TraceID{9}, Parent: callbacks.SpanID{9}}
	around := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{7}, SpanID: trace.SpanID{7},
	}))
	_, node := start(context.Background(), t)
	for name, c := range map[string]struct {
		ctx     context.Context //nolint:containedctx // an input
		carrier Map
		trust   bool
		trace   string // of the run; "" for a new one
		linked  bool
		members int
	}{
		"stranger":                    {ctx: context.Background(), carrier: came, linked: true},
		"stranger without a trace":    {ctx: context.Background(), carrier: Map{}},
		"stranger, malformed":         {ctx: context.Background(), carrier: Map{"traceparent": "x"}},
		"trusted":                     {ctx: context.Background(), carrier: came, trust: true, trace: traceID, members: 1},
		"trusted without a trace":     {ctx: context.Background(), carrier: Map{"baggage": "user=anna"}, trust: true, members: 1},
		"trusted, malformed":          {ctx: context.Background(), carrier: Map{"traceparent": "x"}, trust: true},
		"trusted, under a span":       {ctx: around, carrier: came, trust: true, trace: "07" + strings.Repeat("0", 30)},
		"stranger, under a span":      {ctx: around, carrier: came, trace: "07" + strings.Repeat("0", 30)},
		"message received in a node ": {ctx: node, carrier: came, trust: true, trace: node.TraceID().String()},
	} {
		t.Run(name, func(t *testing.T) {
			logged(t)
			ctx := Config{TrustIncoming: c.trust}.Receive(c.ctx, c.carrier)
			id, ok := OTel{Outer: outer}.RunIdentity(ctx)
			if ok != (c.trace != "") || ok && id.TraceID.String() != c.trace {
				t.Errorf("a run is in trace %s, %t; want %q", id.TraceID, ok, c.trace)
			}
			sc, linked := Incoming(ctx)
			if linked != c.linked || linked && sc.TraceID().String() != traceID {
				t.Errorf("linked to %v, %t", sc, linked)
			}
			if n := baggage.FromContext(ctx).Len(); n != c.members {
				t.Errorf("%d members of baggage", n)
			}
		})
	}
}

// TestForgedFlags holds that what a stranger says of sampling has no effect, and
// what those say who are trusted has.
func TestForgedFlags(t *testing.T) {
	for _, flags := range []string{"00", "01", "02", "03"} {
		c := Map{"traceparent": valid[:53] + flags}
		if id, ok := (OTel{}).RunIdentity(Config{}.Receive(t.Context(), c)); ok || id.Flags != 0 {
			t.Errorf("a stranger's flags %s made identity %+v", flags, id)
		}
		id, _ := OTel{}.RunIdentity(Config{TrustIncoming: true}.Receive(t.Context(), c))
		if got := fmt.Sprintf("%02x", id.Flags); got != flags {
			t.Errorf("trusted flags %s became %s", flags, got)
		}
	}
}

func TestIncomingInRun(t *testing.T) {
	run, node := start(Config{}.Receive(t.Context(), came), t)
	if run.TraceID().String() == traceID || run.ParentSpanID().IsValid() {
		t.Error("the run is part of a stranger's trace")
	}
	for _, cc := range []*callbacks.CallbackContext{run, node} {
		if sc, ok := Incoming(cc); !ok || sc.SpanID().String() != spanID || sc.TraceState().String() != "a=1" {
			t.Errorf("%s: incoming span %v, %t", cc, sc, ok)
		}
	}
}

func TestSendKnowsHosts(t *testing.T) {
	ctx := Extract(t.Context(), came)
	for _, c := range []struct {
		hosts []string
		host  string
		known bool
	}{
		{nil, "a.example", false},
		{nil, "", false},
		{[]string{""}, "", false},
		{[]string{"a.example"}, "a.example", true},
		{[]string{"A.example"}, "a.EXAMPLE.", true},
		{[]string{"a.example"}, "b.a.example", false},
		{[]string{"a.example"}, "xa.example", false},
		{[]string{"a.example"}, "a.example.evil.test", false},
		{[]string{".example"}, "a.example", true},
		{[]string{".example"}, "b.a.example", true},
		{[]string{".example"}, "example", false},
		{[]string{".example"}, "evilexample", false},
		{[]string{"::1"}, "::1", true},
	} {
		m := Map{"baggage": "old=1"}
		Config{Hosts: c.hosts}.Send(ctx, m, c.host)
		if got := m["baggage"] == "user=anna"; got != c.known || !c.known && m["baggage"] != "" {
			t.Errorf("hosts %q: baggage %q for %q", c.hosts, m["baggage"], c.host)
		}
		if m["traceparent"] != valid {
			t.Errorf("hosts %q: traceparent %q for %q", c.hosts, m["traceparent"], c.host)
		}
	}
}

func TestAttributes(t *testing.T) {
	ctx := Extract(t.Context(), Map{"baggage": "user=anna,card=4242,empty="})
	ctx, err := WithNamespace(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if list := (Config{}).Attributes(ctx); len(list) != 0 {
		t.Errorf("attributes %v without a list", list)
	}
	got := fmt.Sprint(Config{Baggage: []string{NamespaceKey, "user", "missing", "empty"}}.Attributes(ctx))
	if want := `[{"spanloom.namespace":"shop"} {"user":"anna"} {"empty":""}]`; got != want {
		t.Errorf("attributes %s, want %s", got, want)
	}
}

func TestNamespace(t *testing.T) {
	set := func(ctx context.Context, namespace string) context.Context {
		t.Helper()
		ctx, err := WithNamespace(ctx, namespace)
		if err != nil {
			t.Fatal(err)
		}
		return ctx
	}
	sent := func(ctx context.Context) string { m := Map{}; Inject(ctx, m); return m["baggage"] }
	ctx := set(t.Context(), "a shop, ünd=more\r\n")
	if got, want := sent(ctx), "spanloom.namespace=a%20shop%2C%20%C3%BCnd=more%0D%0A"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got := sent(set(ctx, "b")); got != "spanloom.namespace=b" {
		t.Errorf("sent %q after a second namespace", got)
	}
	if got := sent(set(ctx, "")); got != "" {
		t.Errorf("sent %q after it was taken out", got)
	}

	full := Extract(t.Context(), Map{"baggage": repeat(64, numbered)})
	for want, c := range map[string]struct {
		ctx       context.Context //nolint:containedctx // an input
		namespace string
	}{
		`namespace "\xff": not valid UTF-8`:                                       {t.Context(), "\xff"},
		`namespace: the baggage has 65 members with it, at most 64 can be sent`:   {full, "a"},
		`namespace: the baggage has 8211 bytes with it, at most 8192 can be sent`: {t.Context(), strings.Repeat("x", 8192)},
	} {
		if ctx, err := WithNamespace(c.ctx, c.namespace); err == nil || err.Error() != want || ctx != c.ctx {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
