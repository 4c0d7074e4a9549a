package otlpredact

import (
	"slices"
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// point is what the points of all kinds of metrics have.
type point interface {
	GetAttributes() []*commonpb.KeyValue
	GetExemplars() []*metricspb.Exemplar
}

func (c *cleaner) metrics(list []*metricspb.Metric) {
	for _, m := range list {
		if c.done() {
			return
		}
		c.text(&m.Description)
		switch d := m.GetData().(type) {
		case *metricspb.Metric_Gauge:
			d.Gauge.DataPoints = points(c, d.Gauge.GetDataPoints(), latest)
		case *metricspb.Metric_Sum:
			d.Sum.DataPoints = points(c, d.Sum.GetDataPoints(), addNumber)
		case *metricspb.Metric_Histogram:
			d.Histogram.DataPoints = points(c, d.Histogram.GetDataPoints(), addHistogram)
		case *metricspb.Metric_ExponentialHistogram:
			d.ExponentialHistogram.DataPoints = points(c, d.ExponentialHistogram.GetDataPoints(), addExponential)
		}
	}
}

// points cleans the points of one metric. Those that cannot be told from each other
// any more are added up: no two points of a metric have the same attributes
// (OpenTelemetry, metrics data model, "Single-Writer").
func points[P point](c *cleaner, list []P, add func(into, from P)) []P {
	before := c.found
	c.found = false
	for _, p := range list {
		c.attributes(p.GetAttributes())
	}
	changed := c.found
	c.found = c.found || before
	for _, p := range list {
		for _, e := range p.GetExemplars() {
			c.attributes(e.GetFilteredAttributes())
		}
	}
	if !c.write || !changed {
		return list
	}
	seen := make(map[string]P, len(list))
	merged := list[:0]
	for _, p := range list {
		id := identity(p.GetAttributes())
		if into, ok := seen[id]; ok {
			add(into, p)
			continue
		}
		seen[id] = p
		merged = append(merged, p)
	}
	return merged
}

// identity is the same for equal sets of attributes.
func identity(list []*commonpb.KeyValue) string {
	all := make([]string, 0, len(list))
	for _, kv := range list {
		text, _ := proto.MarshalOptions{Deterministic: true}.Marshal(kv) // of what is not valid UTF-8, nothing
		all = append(all, string(text))
	}
	slices.Sort(all)
	var id strings.Builder
	for _, text := range all {
		id.WriteString(strconv.Itoa(len(text)) + ":" + text)
	}
	return id.String()
}
