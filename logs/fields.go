package logs

import "log/slog"

// The keys of records. Those that are not Spanloom's own are of OpenTelemetry's
// conventions: its log data model in other formats than OTLP, and semconv.
const (
	keyTraceID       = "trace_id"
	keySpanID        = "span_id"
	keyTraceFlags    = "trace_flags"
	keyRunID         = "spanloom.run.id"
	keyPipelineName  = "spanloom.pipeline.name"
	keyPath          = "spanloom.path"
	keyNodeName      = "spanloom.node.name"
	keyDepth         = "spanloom.depth"
	keyMapIndex      = "spanloom.map.index"
	keyAttemptNumber = "spanloom.attempt.number"

	keyDuration         = "duration_s"
	keyErrorType        = "error.type"
	keyExceptionMessage = "exception.message"
	keyExceptionStack   = "exception.stacktrace"

	keyResult        = "spanloom.result"
	keyRunner        = "spanloom.runner"
	keyRunnerBefore  = "spanloom.runner.previous"
	keyRunStarts     = "spanloom.run.start.count"
	keyAttemptDelay  = "spanloom.attempt.delay"
	keySkipReason    = "spanloom.skip.reason"
	keyCacheResult   = "spanloom.cache.result"
	keyCacheKey      = "spanloom.cache.key"
	keyCacheReason   = "spanloom.cache.reason"
	keyCacheSaved    = "spanloom.cache.saved.duration"
	keyMapSize       = "spanloom.map.size"
	keyMapSucceeded  = "spanloom.map.succeeded.count"
	keyMapFailed     = "spanloom.map.failed.count"
	keyMapCached     = "spanloom.map.cached.count"
	keyMapSkipped    = "spanloom.map.skipped.count"
	keyMapConcurrent = "spanloom.map.concurrency"
)

// fields is a set of the fields that say where a record belongs.
type fields uint16

const (
	fieldTraceID fields = 1 << iota
	fieldSpanID
	fieldTraceFlags
	fieldRunID
	fieldPipelineName
	fieldPath
	fieldNodeName
	fieldDepth
	fieldMapIndex
	fieldAttemptNumber

	fieldIDs = fieldTraceID | fieldSpanID | fieldTraceFlags

	// maxPlace is how many fields there are.
	maxPlace = 10
)

// fieldOf returns the field with a key, or none.
func fieldOf(key string) fields {
	switch key {
	case keyTraceID:
		return fieldTraceID
	case keySpanID:
		return fieldSpanID
	case keyTraceFlags:
		return fieldTraceFlags
	case keyRunID:
		return fieldRunID
	case keyPipelineName:
		return fieldPipelineName
	case keyPath:
		return fieldPath
	case keyNodeName:
		return fieldNodeName
	case keyDepth:
		return fieldDepth
	case keyMapIndex:
		return fieldMapIndex
	case keyAttemptNumber:
		return fieldAttemptNumber
	default:
		return 0
	}
}

// fieldsOf returns the fields that a stands for: a group without a key stands
// for what is in it.
func fieldsOf(a slog.Attr) fields {
	if a.Key != "" || a.Value.Kind() != slog.KindGroup {
		return fieldOf(a.Key)
	}
	var has fields
	for _, inner := range a.Value.Group() {
		has |= fieldsOf(inner)
	}
	return has
}
