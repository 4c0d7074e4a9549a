package metrics

import (
	"context"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/internal/semconvtest"
)

// briefs are of the attributes that spans do not have.
var briefs = map[attribute.Key]string{
	keyComponent: "Where a failure began: pipeline, node, map or map_item; exporter, when one of metrics failed; or metric, when node code marks values under too many names.",
	keyTier:      "What kind of place the cache is: memory or disk, or what it calls itself; absent when it was not asked, or does not say.",
	keyDirection: "Whether results were read or written: read or write.",
	keyPool:      "What executes the runs whose nodes the workers run, such as local.",
	keyCallback:  "Go type of the callback.",
	keyMethod:    "Method of the protocol: Describe, Configure, Stream, Flush, Health or Shutdown.",
	keyBackend:   "Name of the backend in the manifest.",
	keyOutcome:   "What became of an event: delivered or dropped.",
	keyReason:    "Why an event was dropped: queue_full, export_failed, oversize, shutdown, after_shutdown, backend_down, spool_full, spool_failed or expired. Why a backend was started again: exited, hung, connection or start.",
}

// TestRegistry holds the registry of names to the table of instruments.
func TestRegistry(t *testing.T) {
	defined := semconvtest.Registry("metrics", "Attributes that only metrics have.")
	for _, key := range []attribute.Key{keyTier, keyDirection, keyComponent, keyPool, keyCallback, keyMethod, keyBackend, keyOutcome, keyReason} {
		defined.Attributes = append(defined.Attributes, semconvtest.Define(string(key), "string", briefs[key]))
	}
	groups := []semconvtest.Group{defined}
	words := map[shape]string{histogramShape: "histogram", upDownShape: "updowncounter", counterShape: "counter", secondsShape: "counter"}
	for _, i := range table {
		g := groupOf(i.name, words[i.shape], i.unit, i.description)
		for _, key := range i.keys {
			g.Attributes = append(g.Attributes, semconvtest.Refer(string(key)))
		}
		groups = append(groups, g)
	}
	semconvtest.Hold(t, "../docs/semconv/metrics.yaml", *update, groups...)
}

// TestRegistryOfProcess holds the registry to what is measured of the process.
func TestRegistryOfProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not all of it is measured elsewhere")
	}
	before := debug.SetMemoryLimit(1 << 40) // without a limit none is told
	defer debug.SetMemoryLimit(before)
	reader := sdkmetric.NewManualReader()
	if err := Process(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))); err != nil {
		t.Fatal(err)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	found := map[string]semconvtest.Group{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			word, keys := describe(m.Data)
			g := groupOf(m.Name, word, m.Unit, "As the semantic conventions of OpenTelemetry define it.")
			for _, key := range keys {
				g.Attributes = append(g.Attributes, semconvtest.Refer(key))
			}
			found[m.Name] = g
		}
	}
	var groups []semconvtest.Group
	for _, name := range slices.Sorted(maps.Keys(found)) {
		groups = append(groups, found[name])
	}
	semconvtest.Hold(t, "../docs/semconv/process.yaml", *update, groups...)
}

func groupOf(name, instrument, unit, brief string) semconvtest.Group {
	return semconvtest.Group{
		ID: "metric." + name, Type: "metric", Stability: semconvtest.Development, Brief: brief,
		MetricName: name, Instrument: instrument, Unit: unit,
	}
}

// describe returns the instrument of a metric, and the keys of its attributes.
func describe(data metricdata.Aggregation) (instrument string, keys []string) {
	words := map[bool]string{true: "counter", false: "updowncounter"}
	switch sum := data.(type) {
	case metricdata.Sum[int64]:
		return words[sum.IsMonotonic], keysOf(sum.DataPoints)
	case metricdata.Sum[float64]:
		return words[sum.IsMonotonic], keysOf(sum.DataPoints)
	default:
		return "gauge", nil
	}
}

func keysOf[N int64 | float64](points []metricdata.DataPoint[N]) []string {
	all := map[string]bool{}
	for _, p := range points {
		for _, kv := range p.Attributes.ToSlice() {
			all[string(kv.Key)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
