package nodespan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
)

func node() *callbacks.CallbackContext {
	run := callbacks.NewRun(context.Background(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "daily"}})
	cc := &callbacks.CallbackContext{}
	run.Begin(cc, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "fetch"}, Index: -1, Attempt: 1})
	return cc
}

// plain hides what stands under "pin" and the text "s3cret".
type plain struct{}

func (plain) Key(name string) bool { return name == "pin" }
func (plain) Text(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "s3cret", "***"), "7788990011", "***")
}

func event(kv ...attribute.KeyValue) trace.EventConfig {
	return trace.NewEventConfig(trace.WithTimestamp(time.Unix(1, 0)), trace.WithAttributes(kv...))
}

func TestBounds(t *testing.T) {
	cc := node()
	long := strings.Repeat("ä", maxValue)
	for i := range 200 {
		SetAttributes(cc, []attribute.KeyValue{attribute.Int("k"+strconv.Itoa(i), i), attribute.Int("k0", i), {}})
		AddEvent(cc, "e", event(attribute.Int("i", i)))
		AddLink(cc, trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{byte(i + 1)}})})
	}
	AddLink(cc, trace.Link{}) // says nothing
	SetAttributes(cc, []attribute.KeyValue{attribute.String("k1", long+"\xff")})
	r := Take(cc)
	if len(r.Attributes) != 128 || r.DroppedAttributes != 72+200 {
		t.Errorf("%d attributes, %d dropped", len(r.Attributes), r.DroppedAttributes)
	}
	if r.Attributes[0].Value.AsInt64() != 199 {
		t.Errorf("k0 is %v, not its last value", r.Attributes[0].Value)
	}
	if s := r.Attributes[1].Value.AsString(); len(s) > maxValue || !utf8.ValidString(s) || !strings.HasSuffix(s, "ä...") {
		t.Errorf("a long text has %d bytes and ends with %q", len(s), s[len(s)-8:])
	}
	if len(r.Events) != 128 || r.DroppedEvents != 72 || len(r.Links) != 128 || r.DroppedLinks != 72 {
		t.Errorf("%d events, %d dropped; %d links, %d dropped", len(r.Events), r.DroppedEvents, len(r.Links), r.DroppedLinks)
	}
}

// Whatever is recorded, it is of bounded size.
func TestBytes(t *testing.T) {
	cc := node()
	list := make([]string, 1000)
	for i := range list {
		list[i] = strings.Repeat("x", 100)
	}
	for i := range 100 {
		SetAttributes(cc, []attribute.KeyValue{
			attribute.StringSlice("a"+strconv.Itoa(i), list), attribute.String("b"+strconv.Itoa(i), strings.Repeat("y", maxValue)),
		})
		AddEvent(cc, "e", event(attribute.String("c", strings.Repeat("z", maxValue)), attribute.StringSlice("d", list)))
		SetStatus(cc, codes.Error, strings.Repeat("w", maxValue))
	}
	r := Take(cc)
	total := len(r.Description)
	for _, kv := range r.Attributes {
		total += Size(kv)
	}
	for _, ev := range r.Events {
		for _, kv := range ev.Attributes {
			total += Size(kv)
		}
	}
	if total > maxBytes || r.DroppedAttributes < 100 || r.DroppedEvents == 0 {
		t.Errorf("%d bytes, %d attributes and %d events dropped", total, r.DroppedAttributes, r.DroppedEvents)
	}
}

func TestStatus(t *testing.T) {
	cc := node()
	for _, step := range []struct {
		code codes.Code
		text string
		want string
	}{
		{codes.Unset, "x", "Unset "},
		{codes.Error, "one", "Error one"},
		{codes.Unset, "", "Error one"},
		{codes.Error, "two", "Error two"},
		{codes.Ok, "fine", "Ok "},
		{codes.Error, "three", "Ok "},
	} {
		SetStatus(cc, step.code, step.text)
		r, _ := ofScope.In(cc)
		if got := fmt.Sprint(r.rec.Status, " ", r.rec.Description); got != step.want {
			t.Errorf("after %v %q: %q, want %q", step.code, step.text, got, step.want)
		}
	}
}

type nasty struct{ _ []int } // cannot be compared

func (nasty) Error() string { panic("no") }

func TestErrors(t *testing.T) {
	cc := node()
	base := errors.New("no stock")
	AddError(cc, errors.New("handled"), event())
	AddError(cc, nasty{}, event())
	AddError(cc, base, event(attribute.String("pin", "1234"), attribute.String("exception.message", "own s3cret")))
	r := Take(cc)
	if got := r.For(fmt.Errorf("check: %w", base), plain{}); got.Failure != 3 {
		t.Errorf("the failure is event %d, want 3", got.Failure)
	}
	for _, other := range []error{nil, errors.New("no stock"), nasty{}} {
		if got := r.For(other, plain{}); got.Failure != 0 {
			t.Errorf("%T is taken for event %d", other, got.Failure)
		}
	}
	got := r.For(base, plain{})
	want := []attribute.KeyValue{
		attribute.String("exception.type", "*errors.errorString"), attribute.String("pin", "[redacted]"), attribute.String("exception.message", "own ***"),
	}
	if diff := cmp.Diff(want, got.Events[2].Attributes, cmp.Comparer(func(a, b attribute.KeyValue) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if ev := got.Move(); ev == nil || len(got.Events) != 2 || len(r.Events) != 3 || got.Move() != nil {
		t.Errorf("moved %+v, %d of %d events left", ev, len(got.Events), len(r.Events))
	}
	if again := got.For(base, nil); again.Failure != 0 || len(again.Events) != 2 {
		t.Error("what is clean went through a redactor again")
	}
}

// Secrets are hidden in whatever holds them.
func TestRedaction(t *testing.T) {
	cc := node()
	SetAttributes(cc, []attribute.KeyValue{
		attribute.Int("pin", 1234),
		attribute.StringSlice("list", []string{"a", "s3cret"}),
		{Key: "map", Value: attribute.MapValue(attribute.String("pin", "1"), attribute.String("s3cret", "b"))},
		{Key: "slice", Value: attribute.SliceValue(attribute.StringValue("s3cret"), attribute.BoolValue(true))},
	})
	AddEvent(cc, "of s3cret", event())
	SetStatus(cc, codes.Error, "s3cret")
	r := Take(cc).For(nil, plain{})
	got := fmt.Sprint(r.Attributes[0].Value.String(), r.Attributes[1].Value.String(), r.Attributes[2].Value.String(), r.Attributes[3].Value.String(), r.Events[0].Name, r.Description)
	if strings.Contains(got, "s3cret") || strings.Contains(got, "1234") || strings.Count(got, "***") != 5 || strings.Count(got, "[redacted]") != 2 {
		t.Error(got)
	}
	if raw := Take(cc).Attributes[1].Value.AsStringSlice()[1]; raw != "s3cret" {
		t.Error("what others are still to see was changed")
	}
}

// TestRedactionOfEverything has a secret number in every type of value, and values of
// every type below the name of a secret.
func TestRedactionOfEverything(t *testing.T) {
	const number = 7788990011
	cc := node()
	SetAttributes(cc, []attribute.KeyValue{
		attribute.Int64("a", number),
		attribute.Float64("b", number),
		attribute.ByteSlice("c", []byte("is 7788990011")),
		attribute.Int64Slice("d", []int64{1, number}),
		attribute.Float64Slice("e", []float64{number}),
		attribute.Map("f", attribute.Int64("pin", 4455), attribute.Map("pin", attribute.String("x", "4455")),
			attribute.Slice("pin", attribute.MapValue(attribute.String("y", "4455"))), attribute.ByteSlice("pin", []byte("4455")),
			attribute.Int64("g", number)),
		attribute.Slice("h", attribute.Int64Value(number), attribute.BoolValue(true)),
	})
	text := fmt.Sprint(Take(cc).For(nil, plain{}).Attributes)
	for _, secret := range []string{"7788990011", "4455", "7.78", "55 55 56 56"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in %s", secret, text)
		}
	}
	clean := []attribute.KeyValue{attribute.Int64("a", 1), attribute.ByteSlice("c", []byte("b")), attribute.Int64Slice("d", []int64{1, 2})}
	SetAttributes(node(), clean)
	if got := redacted(clean, plain{}); !slices.Equal(got, clean) {
		t.Errorf("what has no secret became %v", got)
	}
}
