package wire_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	pb "github.com/spanloom/spanloom/backend/backendpb"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/internal/nodespan"
	"github.com/spanloom/spanloom/internal/wire"
	"github.com/spanloom/spanloom/privacy"
)

var errStock = errors.New("no stock")

// say records one of everything in a scope.
func say(cc *callbacks.CallbackContext) {
	state, _ := trace.ParseTraceState("a=b")
	nodespan.SetAttributes(cc, []attribute.KeyValue{
		attribute.Bool("b", true), attribute.Int("i", -1), attribute.Float64("f", 1), attribute.String("s", "x"),
		attribute.BoolSlice("bs", []bool{true, false}), attribute.IntSlice("is", []int{1, 2}),
		attribute.Float64Slice("fs", []float64{1, 2}), attribute.StringSlice("ss", []string{"a", ""}),
		{Key: "bytes", Value: attribute.ByteSliceValue([]byte{1, 2})},
		{Key: "mixed", Value: attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("a"))},
		{Key: "map", Value: attribute.MapValue(attribute.Int("n", 1))},
		attribute.String("api_key", "5e11"),
	})
	at := trace.WithTimestamp(time.Unix(7, 9))
	nodespan.AddEvent(cc, "asked", trace.NewEventConfig(at, trace.WithAttributes(attribute.Int("n", 1))))
	nodespan.AddError(cc, errStock, trace.NewEventConfig(at))
	nodespan.SetStatus(cc, codes.Error, "token=abc")
	nodespan.AddLink(cc, trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: 1, TraceState: state,
	}), Attributes: []attribute.KeyValue{attribute.Bool("twin", true)}})
}

// spoken returns a node, and an attempt of it, whose code has said everything.
func spoken() (node *callbacks.CallbackContext) {
	root := callbacks.NewRun(context.Background(), hooktest.Config("daily"))
	node, again := &callbacks.CallbackContext{}, &callbacks.CallbackContext{}
	root.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1})
	node.Begin(again, callbacks.Scope{Kind: callbacks.KindAttempt, Node: node.Node(), Index: -1, Attempt: 2})
	say(node)
	say(again)
	return node
}

// saidBatch is a batch of the end of that.
func saidBatch() *pb.Batch {
	node := spoken()
	enc := wire.NewEncoder()
	enc.Begin(7, 1, 0)
	enc.Add(&wire.Record{Context: node, Hook: callbacks.HookNodeEnd, Order: 1, Attempts: 2, Result: callbacks.ResultFailure}, &wire.Extra{
		Recorded: wire.NewRecorded(node, callbacks.HookNodeEnd, 2, errStock, (*privacy.Redactor)(nil)),
	})
	b, _ := proto.Clone(enc.Batch()).(*pb.Batch)
	return b
}

// ends keeps the context of the end of a node.
type ends struct {
	callbacks.Base

	cc *callbacks.CallbackContext
}

func (e *ends) OnNodeEnd(cc *callbacks.CallbackContext, _ callbacks.NodeEnd) { e.cc = cc }

// TestRecordedArrives: what node code has recorded is the same on the other side,
// without its secrets.
func TestRecordedArrives(t *testing.T) {
	var heard ends
	if err := wire.NewDecoder().Deliver(saidBatch(), &heard); err != nil {
		t.Fatal(err)
	}
	opts := cmp.Options{
		cmp.Comparer(func(a, b attribute.Value) bool { return a.Type() == b.Type() && a.String() == b.String() }),
		cmp.Comparer(func(a, b trace.SpanContext) bool { return a.Equal(b) }),
		cmp.Comparer(func(a, b nodespan.Event) bool {
			return a.Name == b.Name && a.Time.Equal(b.Time) && attribute.NewSet(a.Attributes...) == attribute.NewSet(b.Attributes...)
		}),
	}
	said := spoken()
	for attempt, got := range map[int]*nodespan.Recorded{0: nodespan.Take(heard.cc), 2: nodespan.TakeAttempt(heard.cc, 2)} {
		want := nodespan.Take(said).For(errStock, (*privacy.Redactor)(nil))
		if diff := cmp.Diff(want, got, opts); diff != "" {
			t.Errorf("attempt %d: (-said +heard)\n%s", attempt, diff)
		}
		if got.Failure != 2 || got.Description == "token=abc" || got.Attributes[11].Value.String() != privacy.Mark {
			t.Errorf("attempt %d: failure %d, %q, %v", attempt, got.Failure, got.Description, got.Attributes[11])
		}
	}
}

// TestRecordedThatCannotBeRead is lost, and nothing else is.
func TestRecordedThatCannotBeRead(t *testing.T) {
	b := saidBatch()
	b.Recorded.Span[0] = []byte{0xff}
	b.Recorded.Failure[1] = 99
	var heard ends
	if err := wire.NewDecoder().Deliver(b, &heard); err != nil || heard.cc == nil {
		t.Fatal("the event was lost too:", err)
	}
	if nodespan.Take(heard.cc) != nil {
		t.Error("something was made of what cannot be read")
	}
	if again := nodespan.TakeAttempt(heard.cc, 2); again == nil || again.Failure != 0 {
		t.Errorf("the attempt has %+v", again)
	}
}
