package metrics

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/spanloom/spanloom/internal/buckets"
)

// The attributes of the instruments, in the order in which the table of docs
// names them.
const (
	keyPipeline    = attribute.Key("spanloom.pipeline.name")
	keyNested      = attribute.Key("spanloom.pipeline.nested")
	keyNode        = attribute.Key("spanloom.node.name")
	keyResult      = attribute.Key("spanloom.result")
	keyCacheResult = attribute.Key("spanloom.cache.result")
	keyTier        = attribute.Key("spanloom.cache.tier")
	keyDirection   = attribute.Key("spanloom.cache.direction")
	keyComponent   = attribute.Key("spanloom.component")
	keyPool        = attribute.Key("spanloom.pool.name")
	keyCallback    = attribute.Key("spanloom.callback.name")
	keyBackend     = attribute.Key("spanloom.backend.name")
	keyMethod      = attribute.Key("spanloom.method")
	keyOutcome     = attribute.Key("spanloom.outcome")
	keyReason      = attribute.Key("spanloom.reason")
	keyErrorType   = semconv.ErrorTypeKey
	keyOverflow    = attribute.Key("otel.metric.overflow")
)

// shape says what an instrument is.
type shape uint8

const (
	histogramShape shape = iota // of nanoseconds, exported as seconds
	upDownShape
	counterShape
	secondsShape // a counter of nanoseconds, exported as seconds
	gaugeShape   // of node code
)

// String returns the word of the table in docs.
func (s shape) String() string {
	switch s {
	case histogramShape:
		return "histogram"
	case upDownShape:
		return "updown"
	default:
		return "counter"
	}
}

// instrument is one row of the table.
type instrument struct {
	name, unit  string
	shape       shape
	keys        []attribute.Key
	bounds      *buckets.Bounds
	description string
}

const ms = time.Millisecond

// runBounds are the bounds for pipelines and queueing.
var runBounds = buckets.Bounds{
	10 * ms, 100 * ms, 500 * ms, 1000 * ms, 5000 * ms, 10_000 * ms, 30_000 * ms, 60_000 * ms,
	2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour,
}

// seconds returns bounds as histograms are exported with them.
func seconds(b *buckets.Bounds) []float64 {
	list := make([]float64, len(b))
	for i, d := range b {
		list[i] = d.Seconds()
	}
	return list
}

var (
	runDuration = instrument{
		"spanloom.pipeline.run.duration", "s", histogramShape,
		[]attribute.Key{keyPipeline, keyNested, keyResult, keyErrorType},
		&runBounds,
		"Time of a pipeline from its start to its end.",
	}
	runActive = instrument{
		"spanloom.pipeline.run.active", "{run}", upDownShape,
		[]attribute.Key{keyPipeline, keyNested},
		nil,
		"Pipelines that have started and not ended.",
	}
	nodeDuration = instrument{
		"spanloom.node.duration", "s", histogramShape,
		[]attribute.Key{keyPipeline, keyNode, keyResult, keyCacheResult, keyErrorType},
		&buckets.Steps,
		"Time of a node from its start to its end, with all attempts; 0 when a stored result was used.",
	}
	nodeActive = instrument{
		"spanloom.node.active", "{node}", upDownShape,
		[]attribute.Key{keyPipeline, keyNode},
		nil,
		"Nodes that have started and not ended.",
	}
	nodeQueue = instrument{
		"spanloom.node.queue.duration", "s", histogramShape,
		[]attribute.Key{keyPipeline},
		&runBounds,
		"Time that a node could have begun before it did; 0 when it began at once.",
	}
	nodeRetries = instrument{
		"spanloom.node.retries", "{retry}", counterShape,
		[]attribute.Key{keyPipeline, keyNode, keyErrorType},
		nil,
		"Failed attempts that another attempt followed.",
	}
	errorCount = instrument{
		"spanloom.errors", "{error}", counterShape,
		[]attribute.Key{keyComponent, keyErrorType},
		nil,
		"Failures, each counted once, where it began.",
	}
	itemDuration = instrument{
		"spanloom.map.item.duration", "s", histogramShape,
		[]attribute.Key{keyPipeline, keyNode, keyResult, keyCacheResult},
		&buckets.Steps,
		"Time of a map's item from its start to its end, with all attempts; 0 when a stored result was used.",
	}
	itemActive = instrument{
		"spanloom.map.item.active", "{item}", upDownShape,
		[]attribute.Key{keyPipeline, keyNode},
		nil,
		"Items of maps that have started and not ended.",
	}
	cacheLookups = instrument{
		"spanloom.cache.lookups", "{lookup}", counterShape,
		[]attribute.Key{keyPipeline, keyNode, keyCacheResult, keyTier},
		nil,
		"Look-ups of stored results by nodes and items.",
	}
	cacheIO = instrument{
		"spanloom.cache.io", "By", counterShape,
		[]attribute.Key{keyDirection},
		nil,
		"Bytes of results that were read from caches and used, or written to caches.",
	}
	cacheSaved = instrument{
		"spanloom.cache.saved.duration", "s", secondsShape,
		[]attribute.Key{keyPipeline, keyNode},
		nil,
		"Compute time that stored results cost when they were made.",
	}
	workerUsage = instrument{
		"spanloom.worker.usage", "{worker}", upDownShape,
		[]attribute.Key{keyPool},
		nil,
		"Workers that run a node or an item, of all runs that go on.",
	}
	workerLimit = instrument{
		"spanloom.worker.limit", "{worker}", upDownShape,
		[]attribute.Key{keyPool},
		nil,
		"Workers that may do so at once, of all runs that go on.",
	}
	workerQueue = instrument{
		"spanloom.worker.queue.size", "{node}", upDownShape,
		[]attribute.Key{keyPool},
		nil,
		"Nodes that could begin and wait for a worker.",
	}
	callbackEvents = instrument{
		"spanloom.callback.events", "{event}", counterShape,
		[]attribute.Key{keyBackend, keyOutcome, keyReason},
		nil,
		"Events for a backend whose fate is known.",
	}
	backendCalls = instrument{
		"spanloom.backend.rpc.duration", "s", histogramShape,
		[]attribute.Key{keyBackend, keyMethod, keyErrorType},
		&buckets.Steps,
		"Time of a call of a backend; of Stream, from the sending of a batch until it is acknowledged.",
	}
	callbackPanics = instrument{
		"spanloom.callback.panics", "{panic}", counterShape,
		[]attribute.Key{keyCallback},
		nil,
		"Panics of callbacks, which were recovered, in the whole program.",
	}
	callbackQueue = instrument{
		"spanloom.callback.queue.size", "{event}", upDownShape,
		[]attribute.Key{keyBackend},
		nil,
		"Events for a backend that are queued, or sent and not acknowledged.",
	}
)
