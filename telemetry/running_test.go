package telemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/engine"
	"github.com/spanloom/spanloom/internal/running"
)

// TestLongWorkIsVisibleBeforeItEnds has a run of three minutes.
func TestLongWorkIsVisibleBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := tracetest.NewInMemoryExporter()
		cb := NewCallback(Exporters{Spans: exp, Fanout: Fanout{Max: 10}}) // most items have no span
		nap := func(name string, d time.Duration) engine.Step[int, int] {
			return engine.Node(name, func(_ context.Context, n int) (int, error) {
				time.Sleep(d)
				return n, nil
			})
		}
		inner := engine.Define("inner", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] {
			return engine.Add(g, nap("long", 150*time.Second), engine.Add(g, nap("short", 27*time.Second), n))
		})
		p := engine.Define("daily", func(g *engine.Graph, n engine.Value[int]) engine.Value[int] { return engine.Add(g, inner, n) })
		unsampled := Sampler{Ratio: 0}
		began := time.Now()
		ended := make(chan error, 2)
		for _, cbs := range [][]callbacks.PipelineCallback{{cb}, {unsampled, cb}} {
			go func() {
				_, err := p.Run(t.Context(), 1, engine.Config{Callbacks: cbs})
				ended <- err
			}()
		}
		time.Sleep(174 * time.Second)
		synctest.Wait()
		said := map[string][]string{}
		for _, s := range exp.GetSpans() {
			a := attrs(s)
			if signalOf(s) != onRunning {
				continue
			}
			if !s.EndTime.After(s.StartTime) || a[string(keyRunning)] != s.StartTime.Sub(began).Seconds() && s.Name == "running daily" {
				t.Errorf("%s: %s to %s, %v", s.Name, s.StartTime, s.EndTime, a)
			}
			said[s.Parent.SpanID().String()] = append(said[s.Parent.SpanID().String()], fmt.Sprint(s.Name, " at ", a[string(keyPath)], " ", s.StartTime.Sub(began)))
		}
		if err := errors.Join(<-ended, <-ended, cb.Flush(t.Context())); err != nil {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, s := range exp.GetSpans() {
			if list := said[s.SpanContext.SpanID().String()]; len(list) > 0 {
				got[s.Name] = list
			}
		}
		want := map[string][]string{
			"pipeline daily": {"running daily at daily 30s", "running daily at daily 2m0s"},
			"node long":      {"running long at daily/inner/long 55s", "running long at daily/inner/long 2m25s"},
		}
		if diff := cmp.Diff(want, got); diff != "" || len(said) != len(want) {
			t.Errorf("(-want +got)\n%s\n%v", diff, said)
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestRunningIsBounded has a map of many long items.
func TestRunningIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := tracetest.NewInMemoryExporter()
		cb := NewCallback(Exporters{Spans: exp})
		nap := engine.Node("nap", func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Minute)
			return n, nil
		})
		p := engine.Define("p", func(g *engine.Graph, list engine.Value[[]int]) engine.Value[[]int] { return engine.Map(g, nap, list) })
		if _, err := p.Run(t.Context(), slices.Repeat([]int{1}, 400), engine.Config{Callbacks: []callbacks.PipelineCallback{cb}}); err != nil {
			t.Fatal(err)
		}
		if err := cb.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		list := exp.GetSpans()
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{}
		for _, s := range list {
			there[s.SpanContext.SpanID().String()] = true
		}
		roots, items := 0, 0
		for _, s := range list {
			if s.Parent.IsValid() && !there[s.Parent.SpanID().String()] {
				t.Errorf("%s stands in nothing", s.Name)
			}
			switch s.Name {
			case "running p":
				roots++
			case "running nap":
				items++
			}
		}
		if roots != 2 || items != running.Most {
			t.Errorf("%d of the run, %d of items", roots, items)
		}
	})
}
