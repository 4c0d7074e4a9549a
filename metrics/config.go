package metrics

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/spanloom/spanloom/callbacks"
)

// Config is what a program sets. The zero value counts and measures, and exports
// nothing by itself: see [Callback.Produce].
type Config struct {
	// Exporters get all metrics, each by a reader of its own: those of runs, those
	// that node code makes with a [Recorder], and those of the process. New takes
	// them over and Shutdown ends them. Defaults to none.
	Exporters []sdkmetric.Exporter
	// Interval is the time between two exports. Defaults to
	// OTEL_METRIC_EXPORT_INTERVAL, which is in milliseconds, else to one minute.
	Interval time.Duration
	// Resource describes the program. Defaults to what OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES say, and a random service.instance.id unless they
	// have one.
	Resource *resource.Resource
	// Backends tells what became of the events for the backends of a host. It is
	// called once for each collection, must be quick, and may be called
	// concurrently. Defaults to none.
	Backends func() []Backend
}

// New returns a callback for any number of runs. With exporters it starts a
// goroutine for each, which end with [Callback.Shutdown].
//
// It fails when an exporter is nil.
func New(c Config) (*Callback, error) {
	for i, e := range c.Exporters {
		if e == nil {
			return nil, fmt.Errorf("metrics: Config.Exporters[%d] is nil; leave it out", i)
		}
	}
	n := shards()
	histograms := func(i *instrument) *family[histogram] {
		return newFamily(i, func(set attribute.Set) *histogram { return newHistogram(set, i.bounds, n) })
	}
	counters := func(i *instrument) *family[counter] {
		return newFamily(i, func(set attribute.Set) *counter { return newCounter(set, n) })
	}
	cb := &Callback{
		instruments: instruments{
			runDuration: histograms(&runDuration), nodeDuration: histograms(&nodeDuration), itemDuration: histograms(&itemDuration),
			nodeQueue: histograms(&nodeQueue),
			runActive: counters(&runActive), nodeActive: counters(&nodeActive), itemActive: counters(&itemActive),
			nodeRetries: counters(&nodeRetries), errors: counters(&errorCount),
			cacheLookups: counters(&cacheLookups), cacheSaved: counters(&cacheSaved), cacheIO: counters(&cacheIO),
		},
		began: time.Now(), panics: callbacks.Panics(), shards: n,
		runs: newPlaces(runGroups), nodes: newPlaces(nodeGroups), blocks: make(blocks, n),
		backends: c.Backends,
	}
	if len(c.Exporters) == 0 {
		return cb, nil
	}
	if err := cb.open(c, cb, cb.exportFailed); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return cb, nil
}
