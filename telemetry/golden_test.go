package telemetry

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/spanloom/spanloom/cache"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/callbacks/callbacktest"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/privacy"
)

var update = flag.Bool("update", false, "write testdata/trace.txt; read it before you commit it")

type order struct {
	Customer string
	Token    string
	Lines    []int
}

// whole is a pipeline that uses each kind of step and policy. It fails once.
func whole() *engine.Pipeline[order, int] {
	asked := 0
	fetch := engine.Node("fetch", func(ctx context.Context, _ order) ([]int, error) {
		time.Sleep(time.Millisecond)
		asked++
		own := trace.SpanFromContext(ctx)
		own.AddEvent("asked", trace.WithAttributes(attribute.Int("shop.ask", asked)))
		if asked < 3 {
			err := fmt.Errorf("attempt %d: busy", asked)
			own.RecordError(err)
			return nil, err
		}
		return []int{5, 2, 3, 5}, nil
	}, engine.WithRetry(engine.Retry{Attempts: 3}), engine.WithTimeout(time.Minute))
	price := engine.Node("price", func(_ context.Context, n int) (int, error) { return 10 * n, nil }, engine.WithCache("v1"))
	check := engine.Node("check", func(ctx context.Context, n int) (int, error) {
		own := trace.SpanFromContext(ctx)
		if n == 30 {
			err := errors.New("no stock")
			own.RecordError(err, trace.WithAttributes(attribute.String("shop.token", "hidden")))
			own.SetStatus(codes.Ok, "")
			return 0, fmt.Errorf("line: %w", err)
		}
		own.SetAttributes(
			attribute.Int("shop.price", n), attribute.StringSlice("shop.tags", []string{"a", "b"}),
			attribute.String("spanloom.path", "no"), attribute.String("shop.note", "password=hunter2"),
		)
		own.AddLink(trace.Link{SpanContext: own.SpanContext().WithSpanID(trace.SpanID{7}), Attributes: []attribute.KeyValue{attribute.Bool("shop.twin", true)}})
		return n, nil
	})
	line := engine.Define("line", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		return engine.Add(g, check, engine.Add(g, price, n))
	})
	total := engine.Node("total", func(_ context.Context, list []int) (int, error) {
		sum := 0
		for _, n := range list {
			sum += n
		}
		return sum, nil
	})
	small := engine.Node("small", func(ctx context.Context, n int) (int, error) {
		time.Sleep(time.Duration(n%4) * time.Millisecond)
		if n == 6 {
			trace.SpanFromContext(ctx).SetStatus(codes.Error, "too many")
		}
		return n, nil
	})
	large := engine.Node("large", func(_ context.Context, n int) (int, error) { return n - 1, nil })
	rebate := engine.Branch("rebate", func(_ context.Context, n int) (engine.Step[int, int], error) {
		if n > 50 {
			return large, nil
		}
		return small, nil
	}, small, large)
	round := engine.Loop("round", engine.Node("down", func(_ context.Context, n int) (int, error) { return n - 1, nil }),
		func(_ context.Context, n int) (bool, error) { return n%10 == 8, nil }, 20)
	audit := engine.Define("audit", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
		gate := engine.Gate("open", func(context.Context, int) (engine.Decision, error) { return engine.StopPipeline, nil })
		return engine.Add(g, small, engine.Add(g, gate, n))
	})
	items := engine.Node("items", func(_ context.Context, o order) ([]int, error) { return o.Lines, nil })
	return engine.Define("shop", func(g *engine.Graph, o engine.Value[order]) engine.Value[int] {
		lines := engine.Map(g, line, engine.Add(g, fetch, o), engine.ContinueOnError(),
			engine.WithLabel(func(n int) string { return fmt.Sprintf("line %d, password=hunter2", n) }))
		sum := engine.Add(g, round, engine.Add(g, rebate, engine.Add(g, total, lines)))
		engine.Add(g, audit, sum)
		engine.Map(g, small, engine.Add(g, items, o))
		return sum
	}, engine.WithVersion("1.4"))
}

// shelf is a cache.
type shelf struct{ m sync.Map }

func (s *shelf) Get(_ context.Context, key string) (cache.Entry, bool, error) {
	e, ok := s.m.Load(key)
	entry, _ := e.(cache.Entry)
	return entry, ok, nil
}

func (s *shelf) Put(_ context.Context, key string, e cache.Entry) error {
	s.m.Store(key, e)
	return nil
}

// TestGolden holds all that the spans of a run say.
func TestGolden(t *testing.T) {
	synctest.Test(t, golden) // whose clock makes times certain
}

func golden(t *testing.T) {
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{
		Spans: exp, Capture: privacy.Capture{Inputs: true, Outputs: true, Limit: 80}, Fanout: Fanout{Max: 4},
		Attributes: Product{Namespace: "shop", Mode: "dev"}.Attributes(),
	})
	rec := &callbacktest.Recorder{}
	cfg := engine.Config{
		RunID: "2026-11-21", Cache: &shelf{}, Runner: engine.Sequential(),
		Callbacks: []callbacks.PipelineCallback{Sampler{Ratio: 1}, cb, rec},
	}
	in := order{Customer: "ann", Token: "ghp_0123456789", Lines: []int{1, 2, 3, 4, 5, 6}}
	if _, err := whole().Run(t.Context(), in, cfg); err == nil {
		t.Error("no item has failed")
	}
	if err := errors.Join(callbacktest.Check(rec.Events()), cb.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	got := render(exp.GetSpans())
	look(t, exp.GetSpans())
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/trace.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// render writes spans as a tree, in the order of their starts and names. What
// differs from run to run is left out.
func render(list tracetest.SpanStubs) string {
	var b strings.Builder
	var below func(parent string, depth int)
	below = func(parent string, depth int) {
		var inside tracetest.SpanStubs
		for _, s := range list {
			if s.Parent.SpanID().String() == parent {
				inside = append(inside, s)
			}
		}
		slices.SortStableFunc(inside, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
		for _, s := range inside {
			indent := strings.Repeat("    ", depth)
			fmt.Fprintf(&b, "%s%s (%s, %s, %s%s)\n", indent, s.Name, s.EndTime.Sub(s.StartTime), s.SpanKind, s.Status.Code, strings.TrimRight(" "+s.Status.Description, " "))
			write(&b, indent+"  ", s.Attributes)
			for _, l := range s.Links {
				fmt.Fprintf(&b, "%s  link%s\n", indent, target(list, l))
				write(&b, indent+"    ", l.Attributes)
			}
			for _, ev := range s.Events {
				fmt.Fprintf(&b, "%s  event %s\n", indent, ev.Name)
				write(&b, indent+"    ", ev.Attributes)
			}
			below(s.SpanContext.SpanID().String(), depth+1)
		}
	}
	below("0000000000000000", 0)
	return b.String()
}

// target names the span that a link leads to, if it is one of the list.
func target(list tracetest.SpanStubs, l sdktrace.Link) string {
	for _, s := range list {
		if s.SpanContext.TraceID() == l.SpanContext.TraceID() && s.SpanContext.SpanID() == l.SpanContext.SpanID() {
			return " to " + s.Name
		}
	}
	return ""
}

var place = regexp.MustCompile(`^(.*/)?([^/]+\.go)$`)

func write(b *strings.Builder, indent string, list []attribute.KeyValue) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b attribute.KeyValue) int { return strings.Compare(string(a.Key), string(b.Key)) })
	for _, kv := range list {
		text := kv.Value.String()
		switch kv.Key {
		case "code.line.number":
			text = "(line)"
		case "spanloom.cache.key":
			text = "(key)"
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, kv.Key, place.ReplaceAllString(text, "$2"))
	}
}
