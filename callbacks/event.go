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

	// Err is nil when Result is ResultSuccess.
	Err error
}

// PipelineStart begins a run, or a nested pipeline inside one.
type PipelineStart struct {
	Inputs Values
}

// PipelineEnd ends a run, or a nested pipeline inside one.
type PipelineEnd struct {
	End
	Outputs Values
}

// NodeStart says that a node is about to run.
type NodeStart struct {
	Inputs Values
}

// NodeEnd says how a node ended.
type NodeEnd struct {
	End
	// Attempts is how often the node ran, from 1.
	Attempts int
	Outputs  Values
}

// NodeCached stands in for NodeStart and NodeEnd when a stored result was used.
type NodeCached struct {
	// Signature is the key under which the result was stored, shortened.
	Signature string
	// Saved is the compute time that the stored result cost when it was made.
	Saved time.Duration
	// Reason says where the result came from, such as "cache" or "resume".
	Reason  string
	Outputs Values
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
	// Concurrency is the most items in flight at once; 0 means the run's limit.
	Concurrency int
	Outputs     Values
}

// MapItemStart begins one item of a map.
type MapItemStart struct {
	Inputs Values
}

// MapItemEnd ends one item of a map.
type MapItemEnd struct {
	End
	Outputs Values
}

// MapItemCached stands in for MapItemStart and MapItemEnd when a stored result
// was used.
type MapItemCached struct {
	Signature string
	Saved     time.Duration
	Reason    string
	Outputs   Values
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
	// Delay is the time until the next attempt.
	Delay time.Duration
	Err   error
}

// NodeSkipped says that a node will not run because the pipeline chose
// otherwise.
type NodeSkipped struct {
	Reason string
}

// Emit carries a value that a running node gave out before its end.
type Emit struct {
	Value Values
}
