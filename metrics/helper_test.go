package metrics_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/metrics"
)

// fataler is a test, or one check of a property.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

// open returns a callback without exporters.
func open(t fataler) *metrics.Callback {
	t.Helper()
	m, err := metrics.New(metrics.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// produce returns what the callback has, by the names of the instruments.
func produce(t fataler, m *metrics.Callback) map[string]metricdata.Metrics {
	t.Helper()
	scopes, err := m.Produce(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]metricdata.Metrics{}
	for _, s := range scopes {
		for _, one := range s.Metrics {
			all[one.Name] = one
		}
	}
	return all
}

// point is what a series has: a count or a sum in nanoseconds, and the counts of
// the buckets of a histogram.
type point struct {
	value   float64
	count   uint64
	buckets string
}

// points returns every series by its name and attributes.
func points(t fataler, m *metrics.Callback) map[string]point {
	t.Helper()
	all := map[string]point{}
	put := func(name string, set attribute.Set, p point) {
		key := name + " " + set.Encoded(attribute.DefaultEncoder())
		if _, twice := all[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		all[key] = p
	}
	for name, one := range produce(t, m) {
		if name == "spanloom.callback.panics" { // of the whole program: of other tests too
			continue
		}
		switch data := one.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				put(name, p.Attributes, point{value: float64(p.Value)})
			}
		case metricdata.Sum[float64]:
			for _, p := range data.DataPoints {
				put(name, p.Attributes, point{value: p.Value})
			}
		case metricdata.Gauge[float64]:
			for _, p := range data.DataPoints {
				put(name, p.Attributes, point{value: p.Value})
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				put(name, p.Attributes, point{p.Sum, p.Count, fmt.Sprint(p.BucketCounts)})
			}
		default:
			t.Errorf("%s has data of type %T", name, data)
		}
	}
	return all
}

// lines returns every series as text, sorted.
func lines(t fataler, m *metrics.Callback) (list []string) {
	t.Helper()
	for key, p := range points(t, m) {
		line := fmt.Sprintf("%s = %v", key, p.value)
		if p.buckets != "" {
			line += fmt.Sprintf(" of %d", p.count)
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

const onLinux = runtime.GOOS == "linux"

const ms = time.Millisecond
