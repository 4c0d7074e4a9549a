package callbacks

import "time"

// End is the part that all End events share.
type End struct {
	// Duration is the time since [CallbackContext.Start], on the monotonic
	// clock: never negative.
	Duration time.Duration

	// Result says how the scope ended.
	Result Result

	// Origin says that the failure in Err began in this scope: OnError was
	// called with the same context just before. Scopes above, which fail
	// because this one did, have Err and no Origin.
	Origin bool

	// Err is nil when Result is ResultSuccess, ResultSkip or ResultSubmitted.
	Err error
}

// PipelineStart begins a run, or a nested pipeline inside one.
type PipelineStart struct {
	Inputs Values
	// Resumed says what the run continues; nil when it is new, and for nested
	// pipelines.
	Resumed *Resumed
	// Workers tells how busy those are who run the nodes of the run; nil for nested
	// pipelines, in other processes, and when the runner cannot tell. Unlike the
	// rest of the event it may be kept until the run's OnPipelineEnd has returned.
	Workers Workers
}

// Resumed is what a continued run was before.
type Resumed struct {
	// Starts counts the earlier starts of the run, from 1.
	Starts int
	// TraceID and SpanID are those of the first start's root pipeline.
	TraceID TraceID
	SpanID  SpanID
}

// PipelineEnd ends a run, or a nested pipeline inside one.
type PipelineEnd struct {
	End
	Counts
	Outputs Values
}

// Counts says what ended inside a pipeline, and inside the pipelines nested in
// it, whoever heard of it.
type Counts struct {
	// Nodes is the number of nodes and map items that ran, or had a stored
	// result. Maps and pipelines are not counted themselves.
	Nodes int
	// Cached is how many of them had a stored result.
	Cached int
	// Missed is how many of them asked a cache that had none.
	Missed int
}

// Add adds what is counted in o.
func (c *Counts) Add(o Counts) {
	c.Nodes += o.Nodes
	c.Cached += o.Cached
	c.Missed += o.Missed
}

// NodeStart says that a node is about to run.
type NodeStart struct {
	Inputs Values
	// Cache says what the look-up of a stored result gave; nil for a node
	// without a cache.
	Cache *CacheLookup
}

// CacheLookup is a look-up that gave no stored result.
type CacheLookup struct {
	// Signature is the key of the result, shortened; empty for a bypass.
	Signature string
	// Bypass says that the cache was not asked.
	Bypass bool
	// Reason says why there is no result: which part of the key is new, what
	// is wrong with the stored one, or why the cache was not asked.
	Reason string
	// Tier says what kind of place the cache is, such as "memory" or "disk"; empty
	// for a bypass, and when it does not say.
	Tier string
	// Stored is the size in bytes of the result as it was put into the cache; 0
	// before the end, and when it was not.
	Stored int
}

// NodeEnd says how a node ended.
type NodeEnd struct {
	End
	// Attempts is how often the node ran, from 1.
	Attempts int
	Outputs  Values
	// Cache is what NodeStart said, and how much was stored.
	Cache *CacheLookup
}

// NodeCached stands in for NodeStart and NodeEnd when a stored result was used.
type NodeCached struct {
	// Signature is the key under which the result was stored, shortened.
	Signature string
	// Saved is the compute time that the stored result cost when it was made.
	Saved time.Duration
	// Reason says where the result came from, such as "cache" or "resume".
	Reason string
	// TraceID and SpanID are those of the node or item that computed the result;
	// zero when they are not known, or it has no span.
	TraceID TraceID
	SpanID  SpanID
	Outputs Values
	// Tier is as that of CacheLookup, and Size the bytes that were read from there: 0
	// when another step had just computed the result.
	Tier string
	Size int
}

// NestedPipelineStart says, with the parent's context, that a nested pipeline
// begins.
type NestedPipelineStart struct {
	// Child is the context of the nested pipeline.
	Child *CallbackContext
}

// NestedPipelineEnd says, with the parent's context, that a nested pipeline
// ended.
type NestedPipelineEnd struct {
	End
	Counts
	// Child is the context of the nested pipeline.
	Child *CallbackContext
}

// MapStart begins a map over items.
type MapStart struct {
	// Size is the number of items.
	Size int
	// Concurrency is the most items in flight at once; 0 means the run's limit.
	Concurrency int
	Inputs      Values
}

// MapEnd ends a map. The four counts add up to the size of the map.
type MapEnd struct {
	End
	Succeeded, Failed, Cached int
	// Skipped counts items that were never started, or were cancelled.
	Skipped int
	// Concurrency is what MapStart said: an End event needs no Start.
	Concurrency int
	Outputs     Values
}

// Size returns the number of items.
func (e MapEnd) Size() int { return e.Succeeded + e.Failed + e.Cached + e.Skipped }

// MapItemStart begins one item of a map.
type MapItemStart struct {
	Inputs Values
	// Label tells the item apart for people, where the map says how.
	Label string
	// Cache is as that of NodeStart.
	Cache *CacheLookup
}

// MapItemEnd ends one item of a map.
type MapItemEnd struct {
	End
	// Attempts is how often the item ran, from 1.
	Attempts int
	Outputs  Values
	// Label is what MapItemStart said.
	Label string
	// Cache is what MapItemStart said, and how much was stored.
	Cache *CacheLookup
}

// MapItemCached stands in for MapItemStart and MapItemEnd when a stored result
// was used. Its other fields are as those of NodeCached.
type MapItemCached struct {
	Signature string
	Saved     time.Duration
	Reason    string
	TraceID   TraceID
	SpanID    SpanID
	Outputs   Values
	Tier      string
	Size      int
	// Label is as that of MapItemStart.
	Label string
}

// Failure is one logical failure: whatever number of attempts led to it.
type Failure struct {
	// Err is the error as the node returned it, or the panic made an error.
	Err error
	// Result is ResultFailure, ResultError or ResultTimeout.
	Result Result
}

// NodeRetry says that an attempt failed and another will follow.
type NodeRetry struct {
	// Attempt is the number of the failed attempt, from 1.
	Attempt int
	// Start is when that attempt began, since the start of the scope, and
	// Duration how long it took; 0 when nobody wants [Times].
	Start, Duration time.Duration
	// Delay is the time until the next attempt.
	Delay time.Duration
	Err   error
}

// NodeSkipped says that a step will not run because a branch chose another, or
// because a gate stopped what it needs. Its context, of the step's kind, has no
// other hooks.
type NodeSkipped struct {
	Reason string
}

// Crashed says that the process ended while the scope ran, by a kill for example.
type Crashed struct {
	// Duration is how long the scope had run when the process gave its last sign
	// of life.
	Duration time.Duration
}

// Emit carries a value that a running node gave out before its end.
type Emit struct {
	Value Values
}

// Metric is a value that the code of a node or map item has marked under a name,
// such as how many rows it has read. The name is one that OpenTelemetry allows for
// an instrument, does not begin with "spanloom.", and has 255 bytes at most; the
// value is finite. What else node code says is not heard.
type Metric struct {
	Name  string
	Value float64
	// At is when, since the start of the scope; 0 when nobody wants [Times].
	At time.Duration
	// Replayed says that an earlier start of the run has marked the value, whose
	// result is used now. At is 0 then.
	Replayed bool
}
