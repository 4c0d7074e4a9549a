package metrics_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/hooktest"
	"github.com/spanloom/spanloom/metrics"
)

// TestSeries calls each hook by hand and compares all series that come of it.
func TestSeries(t *testing.T) {
	t.Parallel()
	m := open(t)
	run := hooktest.Start(m, hooktest.Config("daily"))
	run.Node("fetch").OK(3 * ms)
	run.Round(1) // as in a loop
	run.Node("fetch").OK(4 * ms)
	run.Looked("parse", callbacks.CacheLookup{Signature: "abc", Tier: "disk", Stored: 30}).OK(0)
	run.Round(2)
	run.Looked("parse", callbacks.CacheLookup{Bypass: true}).OK(0)
	run.Round(3)
	run.Cached("parse", callbacks.NodeCached{Saved: 2 * time.Second, Reason: "cache", Tier: "disk", Size: 12})
	run.Round(4)
	run.Cached("parse", callbacks.NodeCached{Saved: time.Second, Reason: "resume"})
	run.Round(0)
	run.Skipped("never", "the branch chose another")

	inner := run.Nested("features")
	items := inner.Map("embed", 4, 0)
	one := items.LookedItem(0, callbacks.CacheLookup{Signature: "abc"})
	one.Retry(1, time.Second, fs.ErrNotExist)
	one.OK(time.Second)
	items.CachedItem(1, callbacks.MapItemCached{Saved: time.Minute, Reason: "cache"})
	items.Item(2).Stop(0)
	items.Item(3).Fail(5*time.Second, callbacks.ResultTimeout, &fs.PathError{Op: "read", Path: "/x", Err: errors.New("late")})
	late := &fs.PathError{Op: "read", Path: "/x", Err: errors.New("late")}
	items.EndMap(callbacks.MapEnd{
		End:       callbacks.End{Duration: 6 * time.Second, Result: callbacks.ResultFailure, Err: late},
		Succeeded: 1, Cached: 1, Skipped: 1, Failed: 1,
	})
	inner.End(callbacks.End{Duration: 7 * time.Second, Result: callbacks.ResultFailure, Err: late})
	run.Node("last").End(callbacks.End{Duration: ms, Result: callbacks.ResultCancellation, Err: errors.New("cancelled")})
	before := lines(t, m)
	run.End(callbacks.End{Duration: 8 * time.Second, Result: callbacks.ResultFailure, Err: late})

	want := strings.Split(strings.TrimSpace(`
spanloom.cache.io spanloom.cache.direction=read = 12
spanloom.cache.io spanloom.cache.direction=write = 30
spanloom.cache.lookups spanloom.cache.result=bypass,spanloom.node.name=parse,spanloom.pipeline.name=daily = 1
spanloom.cache.lookups spanloom.cache.result=hit,spanloom.cache.tier=disk,spanloom.node.name=parse,spanloom.pipeline.name=daily = 1
spanloom.cache.lookups spanloom.cache.result=hit,spanloom.node.name=embed,spanloom.pipeline.name=features = 1
spanloom.cache.lookups spanloom.cache.result=miss,spanloom.cache.tier=disk,spanloom.node.name=parse,spanloom.pipeline.name=daily = 1
spanloom.cache.lookups spanloom.cache.result=miss,spanloom.node.name=embed,spanloom.pipeline.name=features = 1
spanloom.cache.saved.duration spanloom.node.name=embed,spanloom.pipeline.name=features = 60
spanloom.cache.saved.duration spanloom.node.name=parse,spanloom.pipeline.name=daily = 3
spanloom.errors error.type=*errors.errorString,spanloom.component=map_item = 1
spanloom.map.item.active spanloom.node.name=embed,spanloom.pipeline.name=features = 0
spanloom.map.item.duration spanloom.cache.result=hit,spanloom.node.name=embed,spanloom.pipeline.name=features,spanloom.result=success = 0 of 1
spanloom.map.item.duration spanloom.cache.result=miss,spanloom.node.name=embed,spanloom.pipeline.name=features,spanloom.result=success = 1 of 1
spanloom.map.item.duration spanloom.node.name=embed,spanloom.pipeline.name=features,spanloom.result=skip = 0 of 1
spanloom.map.item.duration spanloom.node.name=embed,spanloom.pipeline.name=features,spanloom.result=timeout = 5 of 1
spanloom.node.active spanloom.node.name=embed,spanloom.pipeline.name=features = 0
spanloom.node.active spanloom.node.name=fetch,spanloom.pipeline.name=daily = 0
spanloom.node.active spanloom.node.name=last,spanloom.pipeline.name=daily = 0
spanloom.node.active spanloom.node.name=parse,spanloom.pipeline.name=daily = 0
spanloom.node.duration error.type=*errors.errorString,spanloom.node.name=embed,spanloom.pipeline.name=features,spanloom.result=failure = 6 of 1
spanloom.node.duration spanloom.cache.result=bypass,spanloom.node.name=parse,spanloom.pipeline.name=daily,spanloom.result=success = 0 of 1
spanloom.node.duration spanloom.cache.result=hit,spanloom.node.name=parse,spanloom.pipeline.name=daily,spanloom.result=success = 0 of 2
spanloom.node.duration spanloom.cache.result=miss,spanloom.node.name=parse,spanloom.pipeline.name=daily,spanloom.result=success = 0 of 1
spanloom.node.duration spanloom.node.name=fetch,spanloom.pipeline.name=daily,spanloom.result=success = 0.007 of 2
spanloom.node.duration spanloom.node.name=last,spanloom.pipeline.name=daily,spanloom.result=cancellation = 0.001 of 1
spanloom.node.queue.duration spanloom.pipeline.name=daily = 0 of 7
spanloom.node.queue.duration spanloom.pipeline.name=features = 0 of 1
spanloom.node.retries error.type=*errors.errorString,spanloom.node.name=embed,spanloom.pipeline.name=features = 1
spanloom.pipeline.run.active spanloom.pipeline.name=daily = 1
spanloom.pipeline.run.active spanloom.pipeline.name=features,spanloom.pipeline.nested=true = 0
spanloom.pipeline.run.duration error.type=*errors.errorString,spanloom.pipeline.name=features,spanloom.pipeline.nested=true,spanloom.result=failure = 7 of 1
`), "\n")
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("before the run ended (-want +got):\n%s", diff)
	}
	after := points(t, m)
	if got := after["spanloom.pipeline.run.active spanloom.pipeline.name=daily"].value; got != 0 {
		t.Errorf("%v runs are active, want 0", got)
	}
	if err := run.Check(); err != nil {
		t.Error(err)
	}
}

// TestBuckets holds the bounds to those of the specification: each is the highest
// value of its bucket.
func TestBuckets(t *testing.T) {
	t.Parallel()
	step := []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	run := []float64{0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 43200}
	m := open(t)
	for i := range step {
		at, above := time.Duration(run[i]*1e9), time.Duration(run[i]*1e9)+1
		for _, d := range []time.Duration{at, above} {
			p := hooktest.Start(m, hooktest.Config("p"))
			n := p.Map("n", 1, 0)
			n.Item(0).OK(time.Duration(step[i]*1e9) + d - at)
			n.EndMap(callbacks.MapEnd{End: callbacks.End{Result: callbacks.ResultSuccess, Duration: time.Duration(step[i]*1e9) + d - at}, Succeeded: 1})
			p.OK(d)
		}
	}
	// A clock that ran backwards.
	p := hooktest.Start(m, hooktest.Config("p"))
	p.Cached("back", callbacks.NodeCached{Saved: -time.Hour})
	p.OK(-time.Hour)
	for key, p := range points(t, m) {
		if p.value < 0 {
			t.Errorf("%s is %v", key, p.value)
		}
	}

	all := produce(t, m)
	for name, bounds := range map[string][]float64{
		"spanloom.node.duration": step, "spanloom.map.item.duration": step, "spanloom.pipeline.run.duration": run,
	} {
		h := all[name].Data.(metricdata.Histogram[float64]).DataPoints[0]
		for _, p := range all[name].Data.(metricdata.Histogram[float64]).DataPoints {
			if p.Count > h.Count {
				h = p
			}
		}
		if diff := cmp.Diff(bounds, h.Bounds); diff != "" {
			t.Errorf("%s: bounds (-want +got):\n%s", name, diff)
		}
		want := []uint64{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1}
		if name == "spanloom.pipeline.run.duration" {
			want[0] = 2 // the negative one is 0
			var sum time.Duration
			for _, s := range run {
				sum += 2 * time.Duration(s*1e9)
			}
			if sum += time.Duration(len(run)); h.Sum != sum.Seconds() {
				t.Errorf("the sum is %v, want %v", h.Sum, sum.Seconds())
			}
		}
		if diff := cmp.Diff(want, h.BucketCounts); diff != "" {
			t.Errorf("%s: counts (-want +got):\n%s", name, diff)
		}
	}
}

// TestKinds holds what readers and exporters are told of each instrument.
func TestKinds(t *testing.T) {
	t.Parallel()
	before := time.Now()
	m := open(t)
	after := time.Now()
	for seed := range uint64(20) {
		hooktest.Random(m, seed)
	}
	now := time.Now()
	span := func(name string, start, end time.Time) {
		if start.Before(before) || start.After(after) || end.Before(now) {
			t.Errorf("%s is from %v to %v", name, start, end)
		}
	}
	all := produce(t, m)
	if len(all) != 14 { // two are marked
		t.Errorf("there are %d instruments", len(all))
	}
	for name, one := range all {
		upDown := strings.HasSuffix(name, ".active")
		switch data := one.Data.(type) {
		case metricdata.Gauge[float64]:
			if name != "rows" && name != "model.loss" || one.Unit != "" || one.Description == "" || data.DataPoints[0].Time.Before(now) {
				t.Errorf("%s is a gauge: %+v", name, one)
			}
		case metricdata.Sum[int64]:
			if data.IsMonotonic == upDown || data.Temporality != metricdata.CumulativeTemporality {
				t.Errorf("%s: monotonic %v, %v", name, data.IsMonotonic, data.Temporality)
			}
			span(name, data.DataPoints[0].StartTime, data.DataPoints[0].Time)
		case metricdata.Sum[float64]:
			if !data.IsMonotonic || data.Temporality != metricdata.CumulativeTemporality || one.Unit != "s" {
				t.Errorf("%s: monotonic %v, %v, %s", name, data.IsMonotonic, data.Temporality, one.Unit)
			}
			span(name, data.DataPoints[0].StartTime, data.DataPoints[0].Time)
		case metricdata.Histogram[float64]:
			if data.Temporality != metricdata.CumulativeTemporality || one.Unit != "s" {
				t.Errorf("%s: %v, %s", name, data.Temporality, one.Unit)
			}
			span(name, data.DataPoints[0].StartTime, data.DataPoints[0].Time)
		}
	}
}

// TestNamesFromOutside gives names and types of errors that OTLP could not carry.
func TestNamesFromOutside(t *testing.T) {
	t.Parallel()
	m := open(t)
	run := hooktest.Start(m, hooktest.Config("a\xffb"))
	run.Node("x"+strings.Repeat("é", 1000)).Fail(0, callbacks.ResultError, named("\xc3\x28"))
	run.Node("").Fail(0, callbacks.ResultError, named(""))
	run.Node("n").End(callbacks.End{Result: callbacks.ResultError})
	want := []string{
		"spanloom.errors error.type=_OTHER,spanloom.component=node = 1",
		"spanloom.errors error.type=\uFFFD(,spanloom.component=node = 1",
		"spanloom.node.active spanloom.node.name=x" + strings.Repeat("é", 127) + ",spanloom.pipeline.name=a\uFFFDb = 0",
	}
	got := strings.Join(lines(t, m), "\n")
	for _, line := range want {
		if !strings.Contains(got, line) {
			t.Errorf("there is no %q in\n%s", line, got)
		}
	}
}

// named is an error whose type is what someone says.
type named string

func (named) Error() string       { return "broken" }
func (n named) ErrorType() string { return string(n) }

// TestBackends shows what a host tells of its backends.
func TestBackends(t *testing.T) {
	t.Parallel()
	broken := false
	m, err := metrics.New(metrics.Config{Backends: func() []metrics.Backend {
		if broken {
			panic("oops")
		}
		return []metrics.Backend{{Name: "main", Delivered: 7, Dropped: map[string]uint64{"queue_full": 2, "shutdown": 1}, InFlight: 3, Restarts: map[string]uint64{"exited": 2, "hung": 0}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"spanloom.backend.restarts spanloom.backend.name=main,spanloom.reason=exited = 2",
		"spanloom.backend.restarts spanloom.backend.name=main,spanloom.reason=hung = 0",
		"spanloom.callback.events spanloom.backend.name=main,spanloom.outcome=delivered = 7",
		"spanloom.callback.events spanloom.backend.name=main,spanloom.outcome=dropped,spanloom.reason=queue_full = 2",
		"spanloom.callback.events spanloom.backend.name=main,spanloom.outcome=dropped,spanloom.reason=shutdown = 1",
		"spanloom.callback.queue.size spanloom.backend.name=main = 3",
	}
	if diff := cmp.Diff(want, lines(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	broken = true
	if got := lines(t, m); len(got) != 0 {
		t.Errorf("a host that panics gives %v", got)
	}
}

// TestRestoredContext hears of a node whose pipeline is not known.
func TestRestoredContext(t *testing.T) {
	t.Parallel()
	m := open(t)
	run := callbacks.NewRun(t.Context(), callbacks.RunConfig{Pipeline: &callbacks.Node{Name: "p"}})
	cc := callbacks.Restore(run, nil, callbacks.Restored{
		Scope: callbacks.Scope{Kind: callbacks.KindNode, Node: &callbacks.Node{Name: "n"}, Index: -1, Attempt: 1},
		Depth: 1,
	})
	m.OnNodeStart(cc, callbacks.NodeStart{})
	want := []string{
		"spanloom.node.active spanloom.node.name=n,spanloom.pipeline.name= = 1",
		"spanloom.node.queue.duration spanloom.pipeline.name= = 0 of 1",
	}
	if diff := cmp.Diff(want, lines(t, m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	unwanted := callbacks.HookNestedPipelineStart | callbacks.HookNestedPipelineEnd | callbacks.HookNodeSkipped | callbacks.HookEmit
	if got := open(t).Hooks(); got != callbacks.AllHooks&^unwanted {
		t.Errorf("it hears %s", got)
	}
}

// TestBackendCalls shows how long the calls of a backend took.
func TestBackendCalls(t *testing.T) {
	t.Parallel()
	ok := metrics.BackendCalls{Method: "Stream", Sum: 90 * ms}
	ok.Buckets[3], ok.Buckets[15] = 2, 1
	late := metrics.BackendCalls{Method: "Health", ErrorType: "DEADLINE_EXCEEDED", Sum: time.Second}
	late.Buckets[7] = 1
	m, err := metrics.New(metrics.Config{Backends: func() []metrics.Backend {
		return []metrics.Backend{{Name: "main", Calls: []metrics.BackendCalls{ok, late}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := points(t, m)
	for key, want := range map[string]point{
		"spanloom.backend.rpc.duration spanloom.backend.name=main,spanloom.method=Stream":                              {0.09, 3, "[0 0 0 2 0 0 0 0 0 0 0 0 0 0 0 1]"},
		"spanloom.backend.rpc.duration error.type=DEADLINE_EXCEEDED,spanloom.backend.name=main,spanloom.method=Health": {1, 1, "[0 0 0 0 0 0 0 1 0 0 0 0 0 0 0 0]"},
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	h, _ := produce(t, m)["spanloom.backend.rpc.duration"].Data.(metricdata.Histogram[float64])
	if len(h.DataPoints) != 2 || len(h.DataPoints[0].Bounds) != 15 || h.DataPoints[0].Bounds[0] != 0.001 {
		t.Errorf("%+v", h)
	}
}
