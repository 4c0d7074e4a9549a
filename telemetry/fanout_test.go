package telemetry

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
)

// mapped calls the hooks of a run that maps a pipeline over items, in an order. Item
// i takes i milliseconds; each seventh fails, and each fifth is cached.
func mapped(run *hooktest.Scope, order []int) {
	m := run.Map("embed", len(order), 0)
	boom := errors.New("boom")
	end := callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess}}
	for _, i := range order {
		switch {
		case i%7 == 3:
			it := m.Item(i)
			it.Fail(time.Duration(i)*time.Millisecond, callbacks.ResultFailure, boom)
			end.Failed++
			end.Result, end.Err = callbacks.ResultFailure, boom
		case i%5 == 4:
			m.CachedItem(i, callbacks.MapItemCached{Reason: "cache"})
			end.Cached++
		default:
			it := m.Item(i)
			n := it.Nested("embed")
			n.Node("ask").OK(time.Millisecond)
			n.OK(time.Millisecond)
			it.OK(time.Duration(i) * time.Millisecond)
			end.Succeeded++
		}
	}
	m.EndMap(end)
	run.End(end.End)
}

func recordFanout(t *testing.T, f Fanout, order []int) (items []int, inside int, m map[string]any) {
	t.Helper()
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp, Fanout: f})
	run := hooktest.Start(cb, hooktest.Config("daily"))
	mapped(run, order)
	if err := errors.Join(run.Check(), cb.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	st := cb.Stats()
	if n := len(exp.GetSpans()); st.Exported != uint64(n) || st.Queued != 0 || st.Dropped() != 0 {
		t.Errorf("%d spans, but %+v", n, st)
	}
	spans := map[string]bool{}
	for _, s := range exp.GetSpans() {
		spans[s.SpanContext.SpanID().String()] = true
	}
	for _, s := range exp.GetSpans() {
		if s.Parent.SpanID().IsValid() && !spans[s.Parent.SpanID().String()] {
			t.Errorf("%s has no parent", s.Name)
		}
		a := attrs(s)
		switch {
		case strings.HasPrefix(s.Name, "map_item"):
			items = append(items, int(a["spanloom.map.index"].(int64)))
		case strings.HasPrefix(s.Name, "map "):
			m = map[string]any{}
			for k, v := range a {
				if k, ok := strings.CutPrefix(k, "spanloom.map.left_out."); ok {
					m[k] = v
				}
			}
		case a["spanloom.depth"] == int64(1):
			inside++
		}
	}
	slices.Sort(items)
	if cb.held.open.Load() != 0 || len(cb.held.maps) != 0 || cb.held.count != 0 {
		t.Errorf("%+v is left", &cb.held)
	}
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return items, inside, m
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func TestFanout(t *testing.T) {
	none := map[string]any{}
	for _, tc := range []struct {
		name   string
		fanout Fanout
		size   int
		want   []int
		left   map[string]any
	}{
		{"few", Fanout{}, 8, upTo(8), none},
		{"as many as may be", Fanout{Max: 8}, 8, upTo(8), none},
		{"too many", Fanout{Max: 5}, 20, []int{3, 10, 17, 16, 18}, map[string]any{
			"count": int64(15), "failed.count": int64(0), "duration.min": 0.0, "duration.max": 0.015, "duration.sum": 0.08,
		}},
		{"too many failures", Fanout{Max: 2}, 20, []int{10, 17}, map[string]any{
			"count": int64(18), "failed.count": int64(1), "duration.min": 0.0, "duration.max": 0.018, "duration.sum": 0.117,
		}},
		{"failed and slow", Fanout{Items: FailedAndSlowItems}, 20, []int{3, 10, 17, 18, 16, 15, 13, 12, 11, 8, 7, 6, 5}, map[string]any{
			"count": int64(7), "failed.count": int64(0), "duration.min": 0.0, "duration.max": 0.002, "duration.sum": 0.003,
		}},
		{"failed and slow, few", Fanout{Items: FailedAndSlowItems, Max: 4}, 20, []int{3, 10, 17, 18}, map[string]any{
			"count": int64(16), "failed.count": int64(0), "duration.min": 0.0, "duration.max": 0.016, "duration.sum": 0.096,
		}},
		{"none", Fanout{Items: NoItems}, 4, nil, map[string]any{
			"count": int64(4), "failed.count": int64(1), "duration.min": 0.0, "duration.max": 0.003, "duration.sum": 0.006,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			slices.Sort(tc.want)
			for seed := range uint64(20) {
				order := rand.New(rand.NewPCG(seed, 1)).Perm(tc.size)
				items, inside, left := recordFanout(t, tc.fanout, order)
				if diff := cmp.Diff(tc.want, items); diff != "" {
					t.Fatalf("items in the order %v (-want +got)\n%s", order, diff)
				}
				if diff := cmp.Diff(tc.left, left); diff != "" {
					t.Fatalf("left out (-want +got)\n%s", diff)
				}
				want := 0
				for _, i := range items {
					if i%7 != 3 && i%5 != 4 {
						want += 2
					}
				}
				if inside != want {
					t.Errorf("%d spans inside of items, want %d", inside, want)
				}
			}
		})
	}
}

// TestFanoutRatio: a part of the items, the same each time, and all that failed.
func TestFanoutRatio(t *testing.T) {
	first, _, _ := recordFanout(t, Fanout{Ratio: 0.5}, upTo(200))
	again, _, _ := recordFanout(t, Fanout{Ratio: 0.5}, rand.Perm(200))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again)\n%s", diff)
	}
	if len(first) < 80 || len(first) > 160 {
		t.Errorf("%d items of 200", len(first))
	}
	for i := 3; i < 200; i += 7 {
		if !slices.Contains(first, i) {
			t.Errorf("item %d failed and is left out", i)
		}
	}
}

// TestHeldIsBounded: whatever runs inside of items, and when Ends are lost.
func TestHeldIsBounded(t *testing.T) {
	exp := tracetest.NewInMemoryExporter()
	cb := NewCallback(Exporters{Spans: exp, Fanout: Fanout{Max: 2}})
	run := hooktest.Start(cb, hooktest.Config("daily"))
	m := run.Map("embed", 3, 0)
	it := m.Item(0)
	for i := range maxHeld + 100 {
		it.Node(fmt.Sprint("n", i)).OK(0)
	}
	if st := cb.Stats(); st.Queued != maxHeld || st.LeftOut != 100 {
		t.Errorf("%+v", st)
	}
	it.OK(time.Second) // its own span makes it too many
	m.Item(1).OK(time.Millisecond)
	run.Map("lost", 3, 0).Item(0).OK(time.Millisecond)
	run.OK(time.Hour) // without the End of a map
	if st := cb.Stats(); st.LeftOut != maxHeld+101 || st.Queued+st.Exported != 3 {
		t.Errorf("%+v", st)
	}
	for i := range 2 * maxHeldMaps {
		c := hooktest.Config("daily")
		c.ID = fmt.Sprint(i)
		c.SpanID = callbacks.SpanID{1, 2, 3, byte(i), byte(i >> 8)}
		hooktest.Start(cb, c).Map("embed", 3, 0).Item(0).OK(0)
	}
	if n := len(cb.held.maps); n != maxHeldMaps {
		t.Errorf("%d maps are held", n)
	}
	if err := cb.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := cb.Stats(); st.Exported != 2*maxHeldMaps+3 || st.Queued != 0 {
		t.Errorf("%+v", st)
	}
}

// TestHeldEnds: nothing is left when a run has ended, and no span is without a
// parent.
func TestHeldEnds(t *testing.T) {
	for _, f := range []Fanout{{Max: 1}, {Items: FailedAndSlowItems, Max: 2}, {Items: NoItems}, {Ratio: 0.5}} {
		exp := tracetest.NewInMemoryExporter()
		cb := NewCallback(Exporters{Spans: exp, Fanout: f})
		for seed := range uint64(100) {
			if seed%7 != 6 { // those were started by a node that is never heard of
				hooktest.Random(cb, seed)
			}
		}
		if cb.held.open.Load() != 0 || cb.held.count != 0 || len(cb.held.maps) != 0 || cb.notes.any() {
			t.Errorf("%+v is left, and %d notes", &cb.held, len(cb.notes.of))
		}
		if err := cb.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{"0102030000000000": true}
		for _, s := range exp.GetSpans() {
			ids[s.SpanContext.SpanID().String()] = true
		}
		for _, s := range exp.GetSpans() {
			if s.Parent.SpanID().IsValid() && !ids[s.Parent.SpanID().String()] {
				t.Errorf("%+v: %s has no parent", f, s.Name)
			}
		}
		if err := cb.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
