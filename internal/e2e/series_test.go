//go:build unix

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/prometheustest"
)

// point is what one series says.
type point struct {
	Value   float64 // of a histogram, its sum
	Count   uint64
	Buckets string
}

// tally counts what hooks say in the plainest way: whole nanoseconds and ones.
type tally map[string]*tallied

type tallied struct {
	n       int64
	seconds bool // n is in nanoseconds
	bounds  []float64
	buckets []uint64
}

var (
	stepBounds = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	runBounds  = []float64{0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 43200}
)

// series is the key of a series: labels are pairs, and empty ones are left out.
func series(name string, labels ...string) string {
	var list []string
	for i := 0; i < len(labels); i += 2 {
		if labels[i+1] != "" {
			list = append(list, labels[i]+"="+labels[i+1])
		}
	}
	slices.Sort(list)
	return name + " " + strings.Join(list, ",")
}

func (t tally) at(key string) *tallied {
	if t[key] == nil {
		t[key] = &tallied{}
	}
	return t[key]
}

func (t tally) count(n int64, name string, labels ...string) { t.at(series(name, labels...)).n += n }

func (t tally) measure(d time.Duration, bounds []float64, name string, labels ...string) {
	k := t.at(series(name, labels...))
	if k.buckets == nil {
		k.bounds, k.buckets, k.seconds = bounds, make([]uint64, len(bounds)+1), true
	}
	k.n += int64(d)
	i, _ := slices.BinarySearch(bounds, d.Seconds()) // a bound belongs to the bucket below it
	k.buckets[i]++
}

func (k *tallied) value() float64 {
	if k.seconds {
		return time.Duration(k.n).Seconds()
	}
	return float64(k.n)
}

// measured returns what the instruments of runs must say of what the hooks said.
func (s *shop) measured() tally {
	t := tally{}
	for _, ev := range s.hooks.Events() {
		cc := ev.Context
		pipeline := []string{"spanloom.pipeline.name", cc.Name()}
		if cc.Kind() == callbacks.KindPipeline && cc.Depth() > 0 {
			pipeline = append(pipeline, "spanloom.pipeline.nested", "true")
		}
		node := []string{"spanloom.pipeline.name", cc.Pipeline().Name(), "spanloom.node.name", cc.Name()}
		looked := func(l *callbacks.CacheLookup) string {
			if l == nil {
				return ""
			}
			return "miss"
		}
		lookup := func(l *callbacks.CacheLookup) {
			if l != nil {
				t.count(1, "spanloom.cache.lookups", append(slices.Clone(node), "spanloom.cache.result", "miss", "spanloom.cache.tier", l.Tier)...)
			}
		}
		stored := func(l *callbacks.CacheLookup) {
			if l != nil && l.Stored > 0 {
				t.count(int64(l.Stored), "spanloom.cache.io", "spanloom.cache.direction", "write")
			}
		}
		waited := func() {
			t.measure(cc.Queued(), runBounds, "spanloom.node.queue.duration", "spanloom.pipeline.name", cc.Pipeline().Name())
		}
		ended := func(name string, e callbacks.End, l string) {
			labels := append(slices.Clone(node), "spanloom.result", e.Result.String(), "spanloom.cache.result", l)
			if name == "spanloom.node.duration" && e.Err != nil {
				labels = append(labels, "error.type", callbacks.ErrorType(e.Err))
			}
			t.measure(e.Duration, stepBounds, name, labels...)
		}
		cached := func(name string, saved time.Duration, tier string, size int) {
			ended(name, callbacks.End{Result: callbacks.ResultSuccess}, "hit")
			t.count(1, "spanloom.cache.lookups", append(slices.Clone(node), "spanloom.cache.result", "hit", "spanloom.cache.tier", tier)...)
			t.count(int64(size), "spanloom.cache.io", "spanloom.cache.direction", "read")
			t.count(int64(saved), "spanloom.cache.saved.duration", node...)
			t.at(series("spanloom.cache.saved.duration", node...)).seconds = true
		}
		switch e := ev.Event.(type) {
		case callbacks.PipelineStart:
			t.count(1, "spanloom.pipeline.run.active", pipeline...)
		case callbacks.PipelineEnd:
			t.count(-1, "spanloom.pipeline.run.active", pipeline...)
			labels := append(slices.Clone(pipeline), "spanloom.result", e.Result.String())
			if e.Err != nil {
				labels = append(labels, "error.type", callbacks.ErrorType(e.Err))
			}
			t.measure(e.Duration, runBounds, "spanloom.pipeline.run.duration", labels...)
		case callbacks.NodeStart:
			t.count(1, "spanloom.node.active", node...)
			lookup(e.Cache)
			waited()
		case callbacks.MapStart:
			t.count(1, "spanloom.node.active", node...)
			waited()
		case callbacks.MapItemStart:
			t.count(1, "spanloom.map.item.active", node...)
			lookup(e.Cache)
		case callbacks.NodeEnd:
			t.count(-1, "spanloom.node.active", node...)
			ended("spanloom.node.duration", e.End, looked(e.Cache))
			stored(e.Cache)
		case callbacks.MapEnd:
			t.count(-1, "spanloom.node.active", node...)
			ended("spanloom.node.duration", e.End, "")
		case callbacks.MapItemEnd:
			t.count(-1, "spanloom.map.item.active", node...)
			ended("spanloom.map.item.duration", e.End, looked(e.Cache))
			stored(e.Cache)
		case callbacks.NodeCached:
			cached("spanloom.node.duration", e.Saved, e.Tier, e.Size)
			waited()
		case callbacks.MapItemCached:
			cached("spanloom.map.item.duration", e.Saved, e.Tier, e.Size)
		case callbacks.NodeRetry:
			t.count(1, "spanloom.node.retries", append(slices.Clone(node), "error.type", callbacks.ErrorType(e.Err))...)
		case callbacks.Failure:
			t.count(1, "spanloom.errors", "spanloom.component", cc.Kind().String(), "error.type", callbacks.ErrorType(e.Err))
		}
	}
	t.count(int64(len(s.spans)), "shop.orders") // one span for each
	return t
}

// points returns the tally as OTLP has it.
func (t tally) points() map[string]point {
	all := map[string]point{}
	for key, k := range t {
		p := point{Value: k.value()}
		if k.buckets != nil {
			p.Buckets = fmt.Sprint(k.buckets)
			for _, n := range k.buckets {
				p.Count += n
			}
		}
		all[key] = p
	}
	return all
}

// prometheus returns the tally with the names that Prometheus has for it.
// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
func (t tally) prometheus() map[string]float64 {
	all := map[string]float64{}
	for key, k := range t {
		name, labels, _ := strings.Cut(key, " ")
		var pairs []string
		for label := range strings.SplitSeq(labels, ",") {
			if name, value, ok := strings.Cut(label, "="); ok {
				pairs = append(pairs, strings.ReplaceAll(name, ".", "_"), value)
			}
		}
		name = strings.ReplaceAll(name, ".", "_")
		switch {
		case k.buckets != nil:
			name += "_seconds"
			total := uint64(0)
			for i, n := range k.buckets {
				total += n
				le := "+Inf"
				if i < len(k.bounds) {
					le = fmt.Sprint(k.bounds[i])
				}
				all[series(name+"_bucket", append(slices.Clone(pairs), "le", le)...)] = float64(total)
			}
			all[series(name+"_count", pairs...)] = float64(total)
			all[series(name+"_sum", pairs...)] = k.value()
		case k.seconds:
			all[series(name+"_seconds_total", pairs...)] = k.value()
		case strings.HasSuffix(name, "_active"):
			all[series(name, pairs...)] = k.value()
		case strings.HasPrefix(name, "spanloom_cache_io"):
			all[series(name+"_bytes_total", pairs...)] = k.value()
		default:
			all[series(name+"_total", pairs...)] = k.value()
		}
	}
	return all
}

// scraped returns samples in the form of the tally.
func scraped(samples []prometheustest.Sample) map[string]float64 {
	all := map[string]float64{}
	for _, s := range samples {
		var pairs []string
		for name, value := range s.Labels {
			switch {
			case name == "le" && value != "+Inf":
				bound, _ := strconv.ParseFloat(value, 64)
				pairs = append(pairs, name, fmt.Sprint(bound))
			case name != "__name__" && name != "job" && name != "instance" && !strings.HasPrefix(name, "otel_scope_"):
				pairs = append(pairs, name, value)
			}
		}
		all[series(s.Labels["__name__"], pairs...)] = s.Value
	}
	return all
}

// otlpPoints returns what came in OTLP of the metrics of runs and of the shop.
func otlpPoints(all map[string]*metricspb.Metric) map[string]point {
	points := map[string]point{}
	at := func(name string, attributes []*commonpb.KeyValue, p point) {
		var labels []string
		for _, kv := range attributes {
			value := kv.GetValue().GetStringValue()
			if _, ok := kv.GetValue().GetValue().(*commonpb.AnyValue_BoolValue); ok {
				value = strconv.FormatBool(kv.GetValue().GetBoolValue())
			}
			labels = append(labels, kv.GetKey(), value)
		}
		points[series(name, labels...)] = p
	}
	for name, m := range all {
		for _, p := range m.GetSum().GetDataPoints() {
			at(name, p.GetAttributes(), point{Value: p.GetAsDouble() + float64(p.GetAsInt())})
		}
		for _, p := range m.GetHistogram().GetDataPoints() {
			at(name, p.GetAttributes(), point{p.GetSum(), p.GetCount(), fmt.Sprint(p.GetBucketCounts())})
		}
	}
	return points
}
