package telemetry

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

func unsampled() callbacks.RunConfig {
	c := hooktest.Config("daily")
	c.Identity.Flags = 0
	return c
}

func TestKeep(t *testing.T) {
	boom := callbacks.End{Duration: time.Second, Result: callbacks.ResultFailure, Err: errors.New("boom")}
	fine := callbacks.End{Duration: time.Second, Result: callbacks.ResultSuccess}
	gone := callbacks.End{Duration: time.Second, Result: callbacks.ResultCancellation, Err: errors.New("gone")}
	for _, tc := range []struct {
		keep  Keep
		end   callbacks.End
		spans int
		why   any
	}{
		{Keep{}, boom, 0, nil},
		{Keep{Failed: true}, boom, 3, "failed"},
		{Keep{Failed: true}, fine, 0, nil},
		{Keep{Failed: true}, gone, 0, nil},
		{Keep{Slow: time.Second}, fine, 3, "slow"},
		{Keep{Slow: time.Second + 1}, fine, 0, nil},
		{Keep{Failed: true, Slow: time.Second}, boom, 3, "failed"},
	} {
		for _, sampledToo := range []bool{false, true} {
			c := unsampled()
			want, why := tc.spans, tc.why
			if sampledToo {
				c.Identity.Flags, want, why = 1, 3, nil
			}
			exp := tracetest.NewInMemoryExporter()
			cb := NewCallback(Exporters{Spans: exp, Keep: tc.keep})
			run := hooktest.Start(cb, c)
			run.Node("fetch").OK(0)
			run.Cached("clean", callbacks.NodeCached{})
			run.End(tc.end)
			if err := errors.Join(run.Check(), cb.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			if n := len(exp.GetSpans()); n != want {
				t.Errorf("%+v %s: %d spans, want %d", tc.keep, tc.end.Result, n, want)
			}
			for _, s := range exp.GetSpans() {
				mark := attrs(s)["spanloom.sampling.kept"]
				if !s.SpanContext.IsSampled() || s.Name == "pipeline daily" && mark != why || s.Name != "pipeline daily" && mark != nil {
					t.Errorf("%s is kept for %v, want %v; sampled: %t", s.Name, mark, why, s.SpanContext.IsSampled())
				}
			}
			if st := cb.Stats(); st.Queued != 0 || len(cb.keep.runs) != 0 {
				t.Errorf("%+v, %d runs are left", st, len(cb.keep.runs))
			}
			if hooks := cb.UnsampledHooks(); (hooks == 0) != (tc.keep == Keep{}) {
				t.Errorf("%+v wants %s", tc.keep, hooks)
			}
			if err := cb.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// crowded calls the hooks of an unsampled run that has more spans than are held.
func crowded(cb *Callback, items, nodes int) {
	run := hooktest.Start(cb, unsampled())
	m := run.Map("embed", items, 0)
	for i := range items {
		m.Item(i).OK(0)
	}
	m.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}, Succeeded: items})
	for i := range nodes {
		run.Node(fmt.Sprint("n", i)).OK(0)
	}
	run.OK(time.Hour)
}

func TestKeepIsBounded(t *testing.T) {
	for _, tc := range []struct{ items, nodes, droppedItems, droppedNodes int }{
		{maxKept - 101, 100, 0, 0},
		{maxKept, 100, 101, 0},
		{100, maxKept, 100, 1},
	} {
		exp := tracetest.NewInMemoryExporter()
		cb := NewCallback(Exporters{Spans: exp, Keep: Keep{Slow: time.Second}, Fanout: Fanout{Max: maxKept}})
		crowded(cb, tc.items, tc.nodes)
		if err := cb.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, s := range exp.GetSpans() {
			if s.Name == "pipeline daily" {
				a := attrs(s)
				items, _ := a["spanloom.sampling.dropped.items.count"].(int64)
				nodes, _ := a["spanloom.sampling.dropped.nodes.count"].(int64)
				if int(items) != tc.droppedItems || int(nodes) != tc.droppedNodes {
					t.Errorf("%+v: the run says %d items, %d nodes", tc, items, nodes)
				}
			}
			count[s.Name[:4]]++
		}
		if got := count["map_"]; got != tc.items-tc.droppedItems {
			t.Errorf("%+v: %d items", tc, got)
		}
		if got := count["node"]; got != tc.nodes-tc.droppedNodes {
			t.Errorf("%+v: %d nodes", tc, got)
		}
		if st := cb.Stats(); int(st.LeftOut) != tc.droppedItems+tc.droppedNodes || st.Queued != 0 {
			t.Errorf("%+v: %+v", tc, st)
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
