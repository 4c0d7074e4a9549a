package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	slogotel "github.com/samber/slog-otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/propagation"
)

// inNode runs code as a node and returns the spans of the run, its own included.
func inNode(t *testing.T, code func(context.Context) error) tracetest.SpanStubs {
	t.Helper()
	exp := tracetest.NewInMemoryExporter()
	own := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exp))
	cb := NewCallback(Exporters{Spans: exp})
	p := engine.Define("p", func(g *engine.Graph, in engine.Value[int]) engine.Value[int] {
		return engine.Add(g, engine.Node("n", func(ctx context.Context, n int) (int, error) { return n, code(ctx) }), in)
	})
	_, _ = p.Run(t.Context(), 1, engine.Config{Callbacks: []callbacks.PipelineCallback{
		Sampler{OTel: propagation.OTel{Provider: own}, Ratio: 1}, cb,
	}})
	if err := cb.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := exp.GetSpans()
	if err := errors.Join(cb.Shutdown(t.Context()), own.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	return list
}

func find(t *testing.T, list tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	i := slices.IndexFunc(list, func(s tracetest.SpanStub) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no span %s", name)
	}
	return list[i]
}

type placedError struct{ error }

func (placedError) Stack() string   { return "where it was" }
func (w placedError) Unwrap() error { return w.error }

// TestRecordErrorOnce: an error that node code records, and returns wrapped, is one
// exception, which says all.
func TestRecordErrorOnce(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		stack string
		chain string
	}{
		"plain":  {fmt.Errorf("price: %w", errors.New("\x1b[31mno stock\x1b[0m\a")), "telemetry.TestRecordErrorOnce", "[*fmt.wrapError *errors.errorString]"},
		"stack":  {placedError{errors.New("no stock")}, "where it was", "[telemetry.placedError *errors.errorString]"},
		"joined": {errors.Join(errors.New("no stock"), placedError{errors.ErrUnsupported}), "where it was", "[*errors.joinError *errors.errorString telemetry.placedError *errors.errorString]"},
	} {
		spans := inNode(t, func(ctx context.Context) error {
			RecordError(ctx, c.err, attribute.Int("try", 1))
			RecordError(ctx, nil)
			return fmt.Errorf("order 7: %w", c.err)
		})
		n := find(t, spans, "node n")
		if len(n.Events) != 1 || n.Events[0].Name != "exception" {
			t.Fatalf("%s: events %+v", name, n.Events)
		}
		set := attribute.NewSet(n.Events[0].Attributes...)
		value := func(key attribute.Key) string { v, _ := set.Value(key); return fmt.Sprint(v.AsInterface()) }
		if !strings.Contains(value("exception.message"), "no stock") || strings.ContainsAny(value("exception.message"), "\x1b\a") ||
			!strings.Contains(value("exception.stacktrace"), c.stack) || value("spanloom.error.chain") != c.chain || value("try") != "1" {
			t.Errorf("%s: %s", name, set.Encoded(attribute.DefaultEncoder()))
		}
	}
}

// TestTraced: the wrapper keeps the function's type, and its span is below the node's
// also on another goroutine.
func TestTraced(t *testing.T) {
	type lookUp func(context.Context, string) (int, error)
	var find7 lookUp = func(ctx context.Context, name string) (int, error) {
		Current(ctx).SetAttributes(attribute.String("name", name))
		if name == "" {
			return 0, errors.New("no name")
		}
		return 7, nil
	}
	find7 = Traced("look up", find7)
	spans := inNode(t, func(ctx context.Context) error {
		ctx, span := Span(ctx, "outer", attribute.Int("k", 1))
		defer span.End()
		done := make(chan error)
		go func() {
			_, err := find7(ctx, "")
			done <- err
		}()
		return <-done
	})
	node, outer, inner := find(t, spans, "node n"), find(t, spans, "outer"), find(t, spans, "look up")
	if outer.Parent.SpanID() != node.SpanContext.SpanID() || inner.Parent.SpanID() != outer.SpanContext.SpanID() {
		t.Error("the spans are not below each other")
	}
	if inner.Status.Description != "no name" || len(inner.Events) != 0 || len(node.Events) != 1 || len(inner.Attributes) != 2 {
		t.Errorf("inner %+v, node %+v", inner, node)
	}
	if n, err := find7(context.Background(), "x"); n != 7 || err != nil {
		t.Error("outside of a run:", n, err)
	}
	spans = inNode(t, func(ctx context.Context) error {
		_, err := Traced("boom", func(context.Context, int) (int, error) { panic("ouch") })(ctx, 1)
		return err
	})
	if len(find(t, spans, "boom").Events) != 1 || !strings.Contains(find(t, spans, "node n").Status.Description, "ouch") {
		t.Error("a panic was not recorded, or did not go on")
	}
}

// TestNothingOutside: outside of a run all of it does nothing.
func TestNothingOutside(t *testing.T) {
	ctx, span := Span(context.Background(), "x", attribute.Int("n", 1))
	RecordError(ctx, errors.New("x"))
	span.End()
	if span.IsRecording() || Current(ctx).IsRecording() || span.SpanContext().IsValid() {
		t.Error("something was recorded")
	}
}

// TestLogsFindTheSpan: slog-otel gives ids only of spans that record.
func TestLogsFindTheSpan(t *testing.T) {
	extract := slogotel.ExtractOtelAttrFromContext(nil, "trace_id", "span_id")
	var attrs []slog.Attr
	spans := inNode(t, func(ctx context.Context) error {
		attrs = extract(ctx)
		return nil
	})
	n := find(t, spans, "node n").SpanContext
	if len(attrs) != 2 || attrs[0].Value.String() != n.TraceID().String() || attrs[1].Value.String() != n.SpanID().String() {
		t.Errorf("%v, want those of %s", attrs, n.SpanID())
	}
}
