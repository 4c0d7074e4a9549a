package propagation

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
)

// start returns the context of a node of a run that is started with ctx.
func start(ctx context.Context, t testing.TB) (run, node *callbacks.CallbackContext) {
	t.Helper()
	id, _ := OTel{}.RunIdentity(ctx)
	run = callbacks.NewRun(ctx, callbacks.RunConfig{
		Identity: id,
		Pipeline: &callbacks.Node{Name: "daily"},
		Values:   []callbacks.ContextValue{OTel{}},
	})
	node = &callbacks.CallbackContext{}
	run.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "fetch"}, Index: -1, Attempt: 1})
	return run, node
}

func tracer(t *testing.T) (trace.Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	exp := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exp))
	t.Cleanup(func() { _ = tp.Shutdown(context.Background()) })
	return tp.Tracer("user code"), exp
}

func TestKeyIsKnown(t *testing.T) {
	if !spanKey.known {
		t.Fatal("the key of OpenTelemetry's span was not found: every look-up in a context takes the slow way")
	}
}

func TestNodeIsParentOfUserSpans(t *testing.T) {
	tr, exp := tracer(t)
	ctx, outer := tr.Start(context.Background(), "request")
	run, node := start(ctx, t)
	if got, want := run.TraceID().String(), outer.SpanContext().TraceID().String(); got != want {
		t.Errorf("run has trace id %s, want the request's, %s", got, want)
	}
	if got, want := run.ParentSpanID().String(), outer.SpanContext().SpanID().String(); got != want {
		t.Errorf("run has parent %s, want the request, %s", got, want)
	}

	inner, child := tr.Start(node, "fetch page")
	_, grandchild := tr.Start(inner, "read body")
	grandchild.End()
	child.End()
	outer.End()

	spans := exp.GetSpans()
	if len(spans) != 3 {
		t.Fatalf("%d spans, want 3", len(spans))
	}
	body, page := spans[0], spans[1]
	if got, want := page.Parent.SpanID().String(), node.SpanID().String(); got != want {
		t.Errorf("the user's span has parent %s, want the node, %s", got, want)
	}
	if page.SpanContext.TraceID() != outer.SpanContext().TraceID() {
		t.Error("the user's span is in another trace")
	}
	if body.Parent.SpanID() != page.SpanContext.SpanID() {
		t.Error("a span that user code set in a context did not win over the node's")
	}
}

func TestRunInsideNode(t *testing.T) {
	_, node := start(context.Background(), t)
	run, inner := start(node, t)
	if run.ParentSpanID() != node.SpanID() || run.TraceID() != node.TraceID() {
		t.Errorf("the inner run stands under %s of %s, want the node %s of %s",
			run.ParentSpanID(), run.TraceID(), node.SpanID(), node.TraceID())
	}
	if got := trace.SpanContextFromContext(inner).SpanID().String(); got != inner.SpanID().String() {
		t.Errorf("in the inner node the span is %s, want %s", got, inner.SpanID())
	}
}

// TestInnermostSpan looks at what leaves a node, in runs with OTel and without.
func TestInnermostSpan(t *testing.T) {
	tr, _ := tracer(t)
	around, request := tr.Start(context.Background(), "request")
	defer request.End()
	for name, values := range map[string][]callbacks.ContextValue{"with": {OTel{}}, "without": nil} {
		for outside, base := range map[string]context.Context{"no span": context.Background(), "a request": around} {
			run := callbacks.NewRun(base, callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "daily"}, Values: values})
			node := &callbacks.CallbackContext{}
			run.Begin(node, callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "fetch"}, Index: -1, Attempt: 1})
			type key struct{}
			ctx := context.WithValue(node, key{}, 1)

			m := Map{}
			Inject(ctx, m)
			if want := "00-" + node.TraceID().String() + "-" + node.SpanID().String() + "-01"; m["traceparent"] != want {
				t.Errorf("%s OTel under %s: node sends %s, want %s", name, outside, m["traceparent"], want)
			}
			if id, _ := (OTel{}).RunIdentity(ctx); id.Parent != node.SpanID() {
				t.Errorf("%s OTel under %s: an inner run has parent %s, want %s", name, outside, id.Parent, node.SpanID())
			}
			ctx, own := tr.Start(ctx, "page")
			Inject(ctx, m)
			if got, want := m["traceparent"][36:52], own.SpanContext().SpanID().String(); got != want {
				t.Errorf("%s OTel under %s: the user's span %s is sent as %s", name, outside, want, got)
			}
			own.End()
		}
	}
}

func TestFlagsAndState(t *testing.T) {
	state, err := trace.ParseTraceState("vendor=a,other=b")
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range []trace.TraceFlags{0, trace.FlagsSampled} {
		remote := trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: flags, TraceState: state, Remote: true,
		})
		_, node := start(trace.ContextWithRemoteSpanContext(context.Background(), remote), t)
		sc := trace.SpanContextFromContext(node)
		if sc.TraceFlags() != flags || sc.TraceState().String() != state.String() || sc.IsRemote() {
			t.Errorf("node has flags %s, state %q, remote %t; want %s, %q, false",
				sc.TraceFlags(), sc.TraceState().String(), sc.IsRemote(), flags, state.String())
		}
	}
}

func TestInvalidSpanContextIsNewRoot(t *testing.T) {
	for name, sc := range map[string]trace.SpanContext{
		"none":        {},
		"no span id":  trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}}),
		"no trace id": trace.NewSpanContext(trace.SpanContextConfig{SpanID: trace.SpanID{1}}),
	} {
		ctx := trace.ContextWithSpanContext(context.Background(), sc)
		if id, ok := (OTel{}).RunIdentity(ctx); ok {
			t.Errorf("%s: identity %+v, want none", name, id)
		}
		run, node := start(ctx, t)
		if run.ParentSpanID().IsValid() || !trace.SpanContextFromContext(node).IsValid() {
			t.Errorf("%s: the run is not the root of a valid trace", name)
		}
	}
}

func TestMalformedState(t *testing.T) {
	run := callbacks.NewRun(context.Background(), callbacks.RunConfig{
		Identity: callbacks.Identity{TraceID: callbacks.TraceID{1}, State: "==,="},
		Pipeline: &callbacks.Node{Name: "daily"},
	})
	if sc := SpanContext(run); !sc.IsValid() || sc.TraceState().Len() != 0 {
		t.Errorf("span context %+v, want a valid one without state", sc)
	}
}

// TestSpanRecords holds when the span of a node records: while it runs, if its run is
// sampled.
func TestSpanRecords(t *testing.T) {
	_, node := start(context.Background(), t)
	s := trace.SpanFromContext(node)
	if !s.IsRecording() {
		t.Error("the span of a node that runs does not record")
	}
	s.SetName("x")
	s.End()
	if !s.IsRecording() {
		t.Error("node code has ended the span of its node")
	}
	node.End()
	if s.IsRecording() {
		t.Error("the span records after the end of its node")
	}
	s.SetAttributes(attribute.String("late", "x"))
	s.RecordError(errors.New("late"))
	if nodespan.Some(node) {
		t.Error("something was recorded after the end")
	}
	unsampled := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	_, node = start(trace.ContextWithSpanContext(context.Background(), unsampled), t)
	s = trace.SpanFromContext(node)
	s.SetAttributes(attribute.String("a", "x"))
	s.AddEvent("e")
	if s.IsRecording() || nodespan.Some(node) {
		t.Error("the span of a run that is not sampled records")
	}
	if node.Value(struct{}{}) != nil {
		t.Error("an unknown key was answered")
	}
}

// TestSpanOfAttempt holds where the code of an attempt records.
func TestSpanOfAttempt(t *testing.T) {
	_, node := start(context.Background(), t)
	attempt := func(n uint16) trace.Span {
		cc := &callbacks.CallbackContext{}
		node.Begin(cc, callbacks.Scope{Kind: callbacks.KindAttempt, Node: node.Node(), Index: -1, Attempt: n})
		return trace.SpanFromContext(cc)
	}
	first, second := attempt(1), attempt(2)
	first.AddEvent("1")
	second.AddEvent("2")
	if got := nodespan.Take(node); len(got.Events) != 1 || got.Events[0].Name != "1" {
		t.Errorf("the node has %+v, want what its first attempt said", got)
	}
	if got := nodespan.TakeAttempt(node, 2); len(got.Events) != 1 || got.Events[0].Name != "2" {
		t.Errorf("the second attempt has %+v", got)
	}
	third := attempt(3)
	if second.IsRecording() || !third.IsRecording() {
		t.Error("the second attempt records after its end, or the third does not")
	}
	third.AddEvent("3")
	second.AddEvent("late")
	if got := nodespan.TakeAttempt(node, 3); len(got.Events) != 1 || nodespan.TakeAttempt(node, 2) != nil {
		t.Errorf("the third attempt has %+v", got)
	}
}

// TestRecordingRaces has eight goroutines record on the span of a node that ends
// meanwhile: what was recorded by then is the same for all who ask, and later.
func TestRecordingRaces(t *testing.T) {
	said := func(r *nodespan.Recorded) (n int) {
		if r != nil {
			n = len(r.Events) + r.DroppedEvents + len(r.Links) + r.DroppedLinks + len(r.Attributes)
		}
		return n
	}
	for round := range 50 {
		_, node := start(context.Background(), t)
		var wg sync.WaitGroup
		begun := make(chan struct{}, 8)
		for i := range 8 {
			wg.Go(func() {
				s := trace.SpanFromContext(node)
				for j := range 40 {
					s.SetAttributes(attribute.Int("n"+strconv.Itoa(i), j))
					s.AddEvent("e")
					s.RecordError(io.EOF)
					s.SetStatus(codes.Error, "x")
					s.AddLink(trace.Link{SpanContext: s.SpanContext()})
					s.IsRecording()
					if j == round%40 {
						begun <- struct{}{}
					}
				}
			})
		}
		if round%10 > 0 { // else nothing may have been recorded yet
			<-begun
		}
		node.End()
		first := said(nodespan.Take(node))
		wg.Wait()
		if again := said(nodespan.Take(node)); again != first || round%10 > 0 && first == 0 {
			t.Fatalf("%d facts at the end, and %d later", first, again)
		}
	}
}

// TestFallback holds what is done with an OpenTelemetry that cannot be probed.
func TestFallback(t *testing.T) {
	for name, lookup := range map[string]func(context.Context) trace.Span{
		"asks nothing": func(context.Context) trace.Span { return &span{} },
		"asks twice": func(ctx context.Context) trace.Span {
			ctx.Value(1)
			return trace.SpanFromContext(ctx)
		},
		"wraps what it finds": func(ctx context.Context) trace.Span {
			trace.SpanFromContext(ctx)
			return &span{}
		},
	} {
		if learn(lookup).known {
			t.Errorf("%s: the key is trusted", name)
		}
	}
	known := spanKey
	defer func() { spanKey = known }()
	spanKey = learned{}
	_, node := start(context.Background(), t)
	if got := trace.SpanContextFromContext(node).SpanID().String(); got != node.SpanID().String() {
		t.Errorf("without the key the span is %s, want %s", got, node.SpanID())
	}
	if node.Value(struct{}{}) != nil {
		t.Error("without the key an unknown key was answered")
	}
}

func TestConcurrentLookups(t *testing.T) {
	state, _ := trace.ParseTraceState("vendor=a")
	var wg sync.WaitGroup
	for i := range 8 {
		sc := trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{byte(i + 1)}, TraceState: state,
		})
		_, node := start(trace.ContextWithSpanContext(context.Background(), sc), t)
		for range 4 {
			wg.Go(func() {
				for range 100 {
					if got := trace.SpanContextFromContext(node); got.SpanID() != trace.SpanID(node.SpanID()) {
						t.Errorf("span id %s, want %s", got.SpanID(), node.SpanID())
						return
					}
				}
			})
		}
	}
	wg.Wait()
}

func BenchmarkSpanFromContext(b *testing.B) {
	_, node := start(context.Background(), b)
	b.ReportAllocs()
	for b.Loop() {
		trace.SpanFromContext(node)
	}
}
