package callbacks

// Kind says what a context is the context of.
type Kind uint8

// The kinds of scopes.
const (
	KindPipeline Kind = iota + 1
	KindNode
	KindMap
	KindMapItem
	// KindAttempt is a second or later attempt, or one with a time limit: the
	// code of the node sees it, hooks do not.
	KindAttempt
	// KindJob is a node or a command that a runner hands over to another system, to
	// run there by itself. Its hooks are those of a node.
	KindJob
)

// String returns "pipeline", "node", "map", "map_item", "attempt" or "job": the first
// word of the scope's span name.
func (k Kind) String() string {
	switch k {
	case KindPipeline:
		return "pipeline"
	case KindNode:
		return "node"
	case KindMap:
		return "map"
	case KindMapItem:
		return "map_item"
	case KindAttempt:
		return "attempt"
	case KindJob:
		return "job"
	default:
		return "unknown"
	}
}

// Result says how a scope ended. The words are those of OpenTelemetry's
// cicd.pipeline.result.
type Result uint8

// The results.
const (
	// ResultSuccess: it did what it should.
	ResultSuccess Result = iota + 1
	// ResultFailure: it returned an error.
	ResultFailure
	// ResultError: it could not do its work, by a panic for example.
	ResultError
	// ResultTimeout: its time was over.
	ResultTimeout
	// ResultCancellation: it was stopped because its work was no longer wanted.
	ResultCancellation
	// ResultSkip: it was told not to run.
	ResultSkip
	// ResultSubmitted: the job was handed over; what becomes of it is not known here.
	// It is Spanloom's own word.
	ResultSubmitted
)

// String returns the word that spans, metrics and logs carry.
func (r Result) String() string {
	switch r {
	case ResultSuccess:
		return "success"
	case ResultFailure:
		return "failure"
	case ResultError:
		return "error"
	case ResultTimeout:
		return "timeout"
	case ResultCancellation:
		return "cancellation"
	case ResultSkip:
		return "skip"
	case ResultSubmitted:
		return "submitted"
	default:
		return "unknown"
	}
}
