package metrics_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/metrics"
)

// recorder returns one whose measurements can be read.
func recorder() (*metrics.Recorder, *sdkmetric.ManualReader) {
	reader := sdkmetric.NewManualReader()
	return metrics.NewRecorder(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), "test"), reader
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	rec, reader := recorder()
	ctx := t.Context()
	counter, err1 := rec.Counter("rows", "{row}", "table", "kind")
	gauge, err2 := rec.Gauge("temperature", "Cel")
	histogram, err3 := rec.Histogram("size", "By", []float64{1, 10}, "table")
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	counter.Add(ctx, 2, "a", "b")
	counter.Add(ctx, 0.5, "a", "b", "one too many")
	counter.Add(ctx, 1, "a")
	counter.Add(ctx, 1, "\xff")
	gauge.Set(ctx, 1)
	gauge.Set(ctx, -3)
	for _, v := range []float64{1, 2, 100} {
		histogram.Record(ctx, v, "a")
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} { // ignored, as is a step back
		counter.Add(ctx, v)
		gauge.Set(ctx, v)
		histogram.Record(ctx, v)
	}
	counter.Add(ctx, -1)

	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, one := range data.ScopeMetrics[0].Metrics {
		put := func(set attribute.Set, v float64) {
			got[one.Name+" "+one.Unit+" "+set.Encoded(attribute.DefaultEncoder())] = v
		}
		switch data := one.Data.(type) {
		case metricdata.Sum[float64]:
			for _, p := range data.DataPoints {
				put(p.Attributes, p.Value)
			}
		case metricdata.Gauge[float64]:
			put(data.DataPoints[0].Attributes, data.DataPoints[0].Value)
		case metricdata.Histogram[float64]:
			p := data.DataPoints[0]
			put(p.Attributes, p.Sum)
			if diff := cmp.Diff([]uint64{1, 1, 1}, p.BucketCounts); diff != "" {
				t.Errorf("buckets (-want +got):\n%s", diff)
			}
		}
	}
	want := map[string]float64{
		"rows {row} kind=b,table=a": 2.5, "rows {row} table=a": 1, "rows {row} table=\uFFFD": 1,
		"temperature Cel ": -3, "size By table=a": 103,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRecorderErrors(t *testing.T) {
	t.Parallel()
	rec, _ := recorder()
	long := strings.Repeat("a", 300)
	for _, c := range []struct {
		name, unit string
		labels     []string
		want       string
	}{
		{"", "", nil, `metrics: counter "": the name is empty`},
		{"1st", "", nil, `metrics: counter "1st": the name must begin with a letter, not with '1'`},
		{"a b", "", nil, `metrics: counter "a b": ' ' is not allowed in a name: take letters, digits, "_", ".", "-" and "/"`},
		{"größe", "", nil, `metrics: counter "größe": 'ö' is not allowed in a name: take letters, digits, "_", ".", "-" and "/"`},
		{long, "", nil, `metrics: counter "` + long[:32] + `...": the name has 300 characters, and 255 are the most`},
		{"spanloom.rows", "", nil, `metrics: counter "spanloom.rows": names whose first word is "spanloom" are those of the engine; choose another`},
		{"rows", long, nil, `metrics: counter "rows": the unit has 300 characters, and 63 are the most`},
		{"rows", "µs", nil, `metrics: counter "rows": 'µ' is not allowed in a unit: it is one of UCUM, such as "By", or a word in braces, such as "{row}"`},
		{"rows", "", []string{"a", ""}, `metrics: counter "rows": label 2 is empty`},
		{"rows", "", []string{"a", "b", "a"}, `metrics: counter "rows": label "a" is there twice`},
		{"rows", "", []string{"\xff"}, `metrics: counter "rows": label "\xff" is not valid UTF-8`},
		{"rows", "", []string{long}, `metrics: counter "rows": label 1 has 300 bytes, and 256 are the most`},
		{"rows", "", []string{"otel.x"}, `metrics: counter "rows": label "otel.x": keys that begin with "otel." are OpenTelemetry's own`},
	} {
		counter, err := rec.Counter(c.name, c.unit, c.labels...)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
		counter.Add(t.Context(), 1, "a", "b", "c")
		gauge, err := rec.Gauge(c.name, c.unit, c.labels...)
		if want := strings.Replace(c.want, "counter", "gauge", 1); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		gauge.Set(t.Context(), 1, "a", "b", "c")
	}
	for want, bounds := range map[string][]float64{
		`metrics: histogram "h": bound 2 is 1, which is not above 1 before it`:                        {1, 1},
		`metrics: histogram "h": bound 2 is +Inf; the bucket above the last bound is there by itself`: {1, math.Inf(1)},
	} {
		h, err := rec.Histogram("h", "s", bounds)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		h.Record(t.Context(), 1)
	}
	if _, err := rec.Histogram("", "s", nil); err == nil {
		t.Error("a histogram needs no name")
	}
}

// TestNilInstruments holds that what was never made measures nothing.
func TestNilInstruments(t *testing.T) {
	t.Parallel()
	var (
		c *metrics.Counter
		g *metrics.Gauge
		h *metrics.Histogram
	)
	c.Add(t.Context(), 1)
	g.Set(t.Context(), 1)
	h.Record(t.Context(), 1)
	(&metrics.Counter{}).Add(t.Context(), 1)
	rows, err := metrics.FromContext(context.Background()).Counter("rows", "{row}")
	if err != nil {
		t.Error(err)
	}
	rows.Add(t.Context(), 1)
}

// TestRecorderKeepsItsLabels holds that a caller may use its slice for something
// else.
func TestRecorderKeepsItsLabels(t *testing.T) {
	t.Parallel()
	rec, reader := recorder()
	labels := []string{"table"}
	c, err := rec.Counter("rows", "{row}", labels...)
	if err != nil {
		t.Fatal(err)
	}
	labels[0] = "other"
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { c.Add(context.Background(), 1, "a") })
	}
	all.Wait()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	p := data.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[float64]).DataPoints[0]
	if _, ok := p.Attributes.Value("table"); !ok || p.Value != 8 {
		t.Errorf("%v of %s", p.Value, p.Attributes.Encoded(attribute.DefaultEncoder()))
	}
}

// TestRecorderCardinality holds that the SDK bounds what node code may make.
func TestRecorderCardinality(t *testing.T) {
	t.Parallel()
	rec, reader := recorder()
	c, err := rec.Counter("rows", "{row}", "user")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 {
		c.Add(t.Context(), 1, fmt.Sprint(i))
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	points := data.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[float64]).DataPoints
	sum := 0.0
	for _, p := range points {
		sum += p.Value
	}
	if len(points) > 2000 || sum != 5000 {
		t.Errorf("%d series with %v in all", len(points), sum)
	}
}

// FuzzRecorder holds that no name, unit, label or value panics, and that what is
// accepted can be carried.
func FuzzRecorder(f *testing.F) {
	f.Add("rows.read", "{row}", "table", "users", 1.0)
	f.Add("", "µ", "\xff", "\xff", -1.0)
	f.Add("spanloom.x", "By", "otel.x", strings.Repeat("é", 200), math.Inf(1))
	f.Fuzz(func(t *testing.T, name, unit, label, value string, v float64) {
		rec, reader := recorder()
		c, err := rec.Counter(name, unit, label)
		c.Add(t.Context(), v, value)
		g, _ := rec.Gauge(name+"_g", unit, label)
		g.Set(t.Context(), v, value, value)
		h, _ := rec.Histogram(name+"_h", unit, []float64{v}, label)
		h.Record(t.Context(), v, value)
		var data metricdata.ResourceMetrics
		if got := reader.Collect(t.Context(), &data); got != nil {
			t.Fatal(got)
		}
		if err != nil && len(err.Error()) == 0 {
			t.Error("an error says nothing")
		}
		for _, s := range data.ScopeMetrics {
			for _, one := range s.Metrics {
				sum, ok := one.Data.(metricdata.Sum[float64])
				if !ok {
					continue
				}
				for _, p := range sum.DataPoints {
					if text := p.Attributes.Encoded(attribute.DefaultEncoder()); !utf8.ValidString(text) || p.Value < 0 {
						t.Errorf("%q = %v cannot be carried", text, p.Value)
					}
				}
			}
		}
	})
}
