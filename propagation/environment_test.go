package propagation

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

func TestEnviron(t *testing.T) {
	const other = "00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-00"
	none := context.Background()
	spanOnly := Extract(none, Map{"traceparent": valid})
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // an input
		env  []string
		want []string
	}{
		"nothing":  {none, nil, []string{}},
		"set":      {Extract(none, came), []string{"A=1"}, []string{"A=1", "TRACEPARENT=" + valid, "TRACESTATE=a=1", "BAGGAGE=user=anna"}},
		"replaced": {Extract(none, came), []string{"BAGGAGE=x=y", "A=1", "TRACESTATE=x=y", "TRACEPARENT=" + other, "TRACEPARENT=x"}, []string{"A=1", "TRACEPARENT=" + valid, "TRACESTATE=a=1", "BAGGAGE=user=anna"}},
		"another trace's are removed": {spanOnly, []string{"TRACEPARENT=" + other, "TRACESTATE=x=y", "BAGGAGE=x=y"}, []string{
			"TRACEPARENT=" + valid,
		}},
		"the same trace's baggage stays": {spanOnly, []string{"TRACEPARENT=" + valid[:36] + "ffffffffffffffff-00", "TRACESTATE=x=y", "BAGGAGE=x=y"}, []string{
			"TRACEPARENT=" + valid, "BAGGAGE=x=y",
		}},
		"no span: all stays": {none, []string{"BAGGAGE=x=y", "TRACESTATE=x=y", "TRACEPARENT=" + other, "A=1"}, []string{
			"A=1", "TRACEPARENT=" + other, "TRACESTATE=x=y", "BAGGAGE=x=y",
		}},
		"other names":     {spanOnly, []string{"traceparent=x", "XTRACEPARENT=x", "=C:=x", "BAGGAGE_=x", "strange"}, []string{"traceparent=x", "XTRACEPARENT=x", "=C:=x", "BAGGAGE_=x", "strange", "TRACEPARENT=" + valid}},
		"nothing to read": {none, []string{"TRACEPARENT=a\nB=1", "BAGGAGE=\r"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			logged(t)
			given := slices.Clip(slices.Clone(c.env))
			got := Environ(c.ctx, given)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			if !slices.Equal(given, c.env) {
				t.Errorf("the environment that was given became %q", given)
			}
		})
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Setenv("TRACEPARENT", valid)
	t.Setenv("TRACESTATE", "a=1")
	t.Setenv("BAGGAGE", "user=anna")
	ctx := FromEnvironment(context.Background())
	if got := baggage.FromContext(ctx).String(); got != "user=anna" {
		t.Errorf("baggage %q", got)
	}
	outer, ok := OTel{}.RunIdentity(ctx)
	if !ok {
		t.Fatal("no identity")
	}
	id, ok := OTel{Outer: outer}.RunIdentity(context.Background())
	if !ok || id.TraceID.String() != traceID || id.Parent.String() != spanID || id.Flags != 1 || id.State != "a=1" {
		t.Errorf("a run has identity %+v, %t", id, ok)
	}
	_, node := start(ctx, t)
	Environ(node, os.Environ())
	if os.Getenv("TRACEPARENT") != valid {
		t.Error("the environment of the process was changed")
	}
}

func TestOuterIsLast(t *testing.T) {
	outer, _ := OTel{}.RunIdentity(Extract(context.Background(), Map{"traceparent": valid}))
	inner := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	id, _ := OTel{Outer: outer}.RunIdentity(trace.ContextWithSpanContext(context.Background(), inner))
	if id.Parent.String() != inner.SpanID().String() {
		t.Errorf("a run under a span has parent %s", id.Parent)
	}
	for name, incomplete := range map[string]callbacks.Identity{
		"none":        {},
		"no span id":  {TraceID: outer.TraceID},
		"no trace id": {Parent: outer.Parent},
	} {
		if id, ok := (OTel{Outer: incomplete}).RunIdentity(context.Background()); ok {
			t.Errorf("%s: identity %+v, want none", name, id)
		}
	}
}
