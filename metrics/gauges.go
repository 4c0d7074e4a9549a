package metrics

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/spanloom/spanloom/callbacks"
)

// maxGauges is the most names under which the code of nodes may mark values: each
// is an instrument of its own.
const maxGauges = 100

// gauge is a series of a value that node code marks: the latest.
type gauge struct {
	set    attribute.Set
	bits   atomic.Uint64
	marked atomic.Bool // bits has a value
}

// gauges are the instruments of node code, by their names in lower case: those of
// instruments do not differ by case (Metrics API, instrument name syntax).
type gauges struct {
	mu    sync.RWMutex
	named map[string]*family[gauge]
}

// of returns the instrument of a name; nil when there are too many.
func (g *gauges) of(name string) *family[gauge] {
	key := strings.ToLower(name)
	g.mu.RLock()
	f := g.named[key]
	g.mu.RUnlock()
	if f != nil {
		return f
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.named[key]; f != nil || len(g.named) >= maxGauges {
		return f
	}
	if g.named == nil {
		g.named = map[string]*family[gauge]{}
	}
	i := &instrument{strings.Clone(name), "", gaugeShape, []attribute.Key{keyPipeline, keyNode}, nil, "The latest value that node code has marked."}
	f = newFamily(i, func(set attribute.Set) *gauge { return &gauge{set: set} })
	g.named[key] = f
	return f
}

// all returns the instruments that there are, by name.
func (g *gauges) all() (list []*family[gauge]) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, f := range g.named {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *family[gauge]) int { return strings.Compare(a.name, b.name) })
	return list
}

// OnMetric keeps a value that node code has marked, now or before the run was
// started again.
func (c *Callback) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	f := c.gauges.of(ev.Name)
	if f == nil {
		c.errors.of(labels{component: "metric", errorType: "too_many_names"}).add(shardOf(cc, c.shards), 1)
		return
	}
	g := f.of(c.nodes.ofNode(cc).labels)
	g.bits.Store(math.Float64bits(ev.Value))
	g.marked.Store(true)
}

// latest returns the values of a gauge.
func latest(f *family[gauge], now time.Time) metricdata.Aggregation {
	var points []metricdata.DataPoint[float64]
	for _, s := range f.all() {
		if s.marked.Load() { // otherwise it has only just been made
			points = append(points, metricdata.DataPoint[float64]{Attributes: s.set, Time: now, Value: math.Float64frombits(s.bits.Load())})
		}
	}
	if len(points) == 0 {
		return nil
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}
