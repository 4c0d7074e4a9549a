package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The keys of Spanloom's own attributes. Those of OpenTelemetry's conventions
// come from semconv.
const (
	keyRunID           = attribute.Key("spanloom.run.id")
	keyRunStarts       = attribute.Key("spanloom.run.start.count")
	keyRunner          = attribute.Key("spanloom.runner")
	keyResult          = attribute.Key("spanloom.result")
	keyPath            = attribute.Key("spanloom.path")
	keyDepth           = attribute.Key("spanloom.depth")
	keyPipelineName    = attribute.Key("spanloom.pipeline.name")
	keyPipelineVersion = attribute.Key("spanloom.pipeline.version")
	keyPipelineNested  = attribute.Key("spanloom.pipeline.nested")
	keyNodeName        = attribute.Key("spanloom.node.name")
	keyNodeKind        = attribute.Key("spanloom.node.kind")
	keyNodeSignature   = attribute.Key("spanloom.node.signature")
	keyAttemptCount    = attribute.Key("spanloom.attempt.count")
	keyAttemptNumber   = attribute.Key("spanloom.attempt.number")
	keyAttemptDelay    = attribute.Key("spanloom.attempt.delay")
	keyMetricName      = attribute.Key("spanloom.metric.name")
	keyMetricValue     = attribute.Key("spanloom.metric.value")
	keySkipReason      = attribute.Key("spanloom.skip.reason")
	keyCacheResult     = attribute.Key("spanloom.cache.result")
	keyCacheKey        = attribute.Key("spanloom.cache.key")
	keyCacheSaved      = attribute.Key("spanloom.cache.saved.duration")
	keyMapSize         = attribute.Key("spanloom.map.size")
	keyMapConcurrency  = attribute.Key("spanloom.map.concurrency")
	keyMapSucceeded    = attribute.Key("spanloom.map.succeeded.count")
	keyMapFailed       = attribute.Key("spanloom.map.failed.count")
	keyMapCached       = attribute.Key("spanloom.map.cached.count")
	keyMapSkipped      = attribute.Key("spanloom.map.skipped.count")
	keyMapIndex        = attribute.Key("spanloom.map.index")
	keyMapLabel        = attribute.Key("spanloom.map.item.label")
	keyStrategy        = attribute.Key("spanloom.strategy")
	keyQueued          = attribute.Key("spanloom.queue.duration")
	keyNodeCount       = attribute.Key("spanloom.node.count")
	keyHitRatio        = attribute.Key("spanloom.cache.hit_ratio")
	keyRunning         = attribute.Key("spanloom.running.duration")
	keyInputs          = attribute.Key("spanloom.inputs")
	keyOutputs         = attribute.Key("spanloom.outputs")
	keySamplingKept    = attribute.Key("spanloom.sampling.kept")
	keyDroppedItems    = attribute.Key("spanloom.sampling.dropped.items.count")
	keyDroppedNodes    = attribute.Key("spanloom.sampling.dropped.nodes.count")
	keyLeftCount       = attribute.Key("spanloom.map.left_out.count")
	keyLeftFailed      = attribute.Key("spanloom.map.left_out.failed.count")
	keyLeftShortest    = attribute.Key("spanloom.map.left_out.duration.min")
	keyLeftLongest     = attribute.Key("spanloom.map.left_out.duration.max")
	keyLeftTotal       = attribute.Key("spanloom.map.left_out.duration.sum")
)

// kinds of spans and events, as a set.
type spans uint16

const (
	onRun spans = 1 << iota
	onNested
	onNode
	onCachedNode
	onMap
	onItem
	onCachedItem
	onAttempt
	onRunning
	onJob
	onEvent  // skip
	onMetric // the event of a value

	onPipelines = onRun | onNested
	onNodes     = onNode | onCachedNode
	onItems     = onItem | onCachedItem
	onAll       = onPipelines | onNodes | onMap | onItems
	onEvery     = onAll | onAttempt | onRunning | onJob
)

// described is one row of the table of attributes.
type described struct {
	key   attribute.Key
	typ   attribute.Type
	on    spans
	brief string
}

// table describes every attribute of the spans. A test holds it and the spans
// together; the documentation is made from it.
var table = []described{
	{keyNamespace, attribute.STRING, onEvery, "Namespace of the product."},
	{keyProductName, attribute.STRING, onEvery, "Name of the product."},
	{keyProductVersion, attribute.STRING, onEvery, "Version of the product."},
	{keyMode, attribute.STRING, onEvery, "Where the product runs: dev, staging or prod."},
	{keyRunID, attribute.STRING, onPipelines | onRunning | onJob, "Id of the run."},
	{keyPipelineName, attribute.STRING, onPipelines, "Name of the pipeline."},
	{keyPipelineVersion, attribute.STRING, onPipelines, "Version of the pipeline, where its author has said one."},
	{keyRunStarts, attribute.INT64, onRun, "How often the run was started, this time included; absent for a new run."},
	{keyRunner, attribute.STRING, onPipelines | onJob, "What executes the pipeline, or the job."},
	{keyPipelineNested, attribute.BOOL, onNested, "True for a pipeline inside another."},
	{keyResult, attribute.STRING, onAll | onJob, "How it ended: success, failure, error, timeout, cancellation or skip; submitted, of a job that was handed over."},
	{keyPath, attribute.STRING, onAll&^onRun | onAttempt | onRunning | onEvent | onJob, "Way from the root pipeline."},
	{keyDepth, attribute.INT64, onAll&^onRun | onAttempt | onRunning | onJob, "Number of pipelines around the root's."},
	{keyNodeName, attribute.STRING, onNodes | onMap | onItems | onAttempt | onRunning | onEvent | onJob, "Name of the step."},
	{keyNodeKind, attribute.STRING, onNodes | onMap | onJob, "What the step is: func, shell, notebook, branch, loop; pipeline when one is mapped."},
	{keyNodeSignature, attribute.STRING, onNodes | onMap | onJob, "Go types of the step's inputs and outputs."},
	{semconv.CodeFunctionNameKey, attribute.STRING, onNodes | onMap | onJob, "Function of the step."},
	{semconv.CodeFilePathKey, attribute.STRING, onNodes | onMap | onJob, "File of that function."},
	{semconv.CodeLineNumberKey, attribute.INT64, onNodes | onMap | onJob, "Line of that function."},
	{keyAttemptCount, attribute.INT64, onNode | onItem | onJob, "How often the node or item ran."},
	{keyAttemptNumber, attribute.INT64, onAttempt, "Number of the attempt, from 1."},
	{keyAttemptDelay, attribute.FLOAT64, onAttempt, "Time that was waited before the attempt, in seconds; absent for the first."},
	{keyRunning, attribute.FLOAT64, onRunning, "How long it has been running, in seconds."},
	{keyStrategy, attribute.STRING, onNodes | onJob, "How the runner runs nodes: sequential, parallel or remote."},
	{keyQueued, attribute.FLOAT64, onNodes | onMap | onJob, "Time between being ready and the start, in seconds; absent when it began at once."},
	{keyNodeCount, attribute.INT64, onPipelines, "Nodes and map items that ran inside, or had a stored result; nested pipelines included."},
	{keyHitRatio, attribute.FLOAT64, onPipelines, "Part of the look-ups inside that found a stored result, from 0 to 1; absent when there were none."},
	{keyInputs, attribute.STRING, onAll | onJob, "Inputs as JSON, cut, when they are captured."},
	{keyOutputs, attribute.STRING, onAll | onJob, "Outputs as JSON, cut, when they are captured."},
	{keyMetricName, attribute.STRING, onMetric, "Name under which node code has marked a value."},
	{keyMetricValue, attribute.FLOAT64, onMetric, "That value."},
	{keySkipReason, attribute.STRING, onEvent, "Why a step did not run."},
	{keyCacheResult, attribute.STRING, onNodes | onItems | onJob, "Whether a result was stored: hit, also when a resumed run had kept it, miss, or bypass, also when there is no store; absent for steps without WithCache."},
	{keyCacheKey, attribute.STRING, onNodes | onItems | onJob, "Key of the result in the cache, shortened."},
	{keyCacheSaved, attribute.FLOAT64, onCachedNode | onCachedItem, "Compute time that the stored result cost when it was made, in seconds."},
	{keyMapSize, attribute.INT64, onMap, "Number of items."},
	{keyMapConcurrency, attribute.INT64, onMap, "Most items in flight at once; absent when only the run's limit counts."},
	{keyMapSucceeded, attribute.INT64, onMap, "Items that succeeded."},
	{keyMapFailed, attribute.INT64, onMap, "Items that failed."},
	{keyMapCached, attribute.INT64, onMap, "Items whose stored result was used."},
	{keyMapSkipped, attribute.INT64, onMap, "Items that were never started, or were cancelled."},
	{keySamplingKept, attribute.STRING, onRun, "Why a run that is not sampled has spans: failed or slow."},
	{keyDroppedItems, attribute.INT64, onRun, "Spans in map items for which such a run had no room."},
	{keyDroppedNodes, attribute.INT64, onRun, "Other spans for which such a run had no room."},
	{keyLeftCount, attribute.INT64, onMap, "Items that have no span of their own; absent when all have."},
	{keyLeftFailed, attribute.INT64, onMap, "How many of those failed."},
	{keyLeftShortest, attribute.FLOAT64, onMap, "Time of the shortest of those, in seconds."},
	{keyLeftLongest, attribute.FLOAT64, onMap, "Time of the longest of those, in seconds."},
	{keyLeftTotal, attribute.FLOAT64, onMap, "Time of all of those together, in seconds."},
	{keyMapIndex, attribute.INT64, onItems, "Index of the item, from 0."},
	{keyMapLabel, attribute.STRING, onItems, "What tells the item apart for people, where the map says how; at most 100 characters."},
	{semconv.ErrorTypeKey, attribute.STRING, onAll&^(onCachedNode|onCachedItem) | onAttempt, "Type of the error, when it failed."},
}
