package callbacks

// PipelineCallback hears every fact of a run. Embed [Base] and override what
// you need.
//
// # Rules
//
// An engine, a runner or a backend that calls these hooks keeps these rules,
// and a callback may rely on them. Package callbacktest checks them by number.
//
//  1. Every Start has exactly one End: on success, error, panic, timeout and
//     cancellation alike. The End has an error, unless its result is success or
//     skip, and a duration that is not negative.
//  2. Children end before their parent: between the Start and the End of a
//     scope lie all hooks of the scopes inside it.
//  3. A node's End is called before the Start of any node that uses its output.
//  4. A nested pipeline calls OnNestedPipelineStart with the parent's context,
//     OnPipelineStart with the child's, …, OnPipelineEnd with the child's,
//     OnNestedPipelineEnd with the parent's, which says the same as
//     OnPipelineEnd; and no node hooks for itself. Every hook is called with a
//     context of its kind.
//  5. A map is a node whose OnMapStart and OnMapEnd stand in for its node
//     hooks. For a mapped node the item hooks stand in for node hooks; a mapped
//     pipeline's nested hooks stand inside the item's. Every index is started
//     at most once, the counts of MapEnd are those of its items and add up to
//     the size, and its concurrency is that of MapStart. A map that ends with
//     success has started every item, and none was cancelled.
//  6. OnNodeCached and OnMapItemCached stand in for Start and End, and
//     OnNodeSkipped does so for a step that does not run: each is the only hook
//     with its context, but for the OnMetric of rule 10, and called while the
//     parent runs.
//  7. OnError is called once per logical failure, not per attempt, with the
//     context of the deepest scope that failed, before that scope's End (whose
//     Origin is then true), and with the same error and result. It is not
//     called for cancelled siblings. The scopes around a failure fail too,
//     unless they are cancelled: one that ends with success or skip has nothing
//     inside that ends with failure, error or timeout.
//  8. All hooks of a run share one run id and one trace id. Each scope has its
//     own span id, and its parent span id is its parent's span id.
//  9. Depth counts pipelines: 0 in the root pipeline. A path begins with its
//     parent's path and is unique among the scopes of its kind in the run.
//  10. OnNodeRetry, OnEmit and OnMetric are called between the Start and the End
//     of a node or map item, with its context. OnNodeRetry is called once for
//     each attempt that another is to follow, with its number, from 1; the End's
//     Attempts is one more, or as many when the wait for the last attempt was cut
//     short. OnMetric with a value that was replayed is called just before the
//     OnNodeCached or OnMapItemCached of its scope instead.
//  11. The Counts of a pipeline's end are those of the ends and cached hooks of
//     nodes and map items inside, nested pipelines included. Steps that no
//     callback heard are counted too.
//  12. OnCrashed tells of a scope whose process ended before it did: in an
//     earlier start of this run, or in another run of the same store. It is the
//     only hook with its context, which has the ids that the scope had. A run
//     calls it before its own OnPipelineStart, once for each scope, and for those
//     inside a scope before that. The rules above do not count such scopes.
//
// # Concurrency and ownership
//
// Hooks of different scopes are called concurrently. Hooks of one scope are
// called in order. A hook runs on the goroutine that runs the node, which waits
// for it. An event and what it holds are valid during the call only, except
// errors, strings and the *CallbackContext, which may be kept.
//
// A hook that panics is recovered and logged, and never changes the run.
type PipelineCallback interface { //nolint:interfacebloat // Base and Funcs spare authors the rest
	OnPipelineStart(cc *CallbackContext, ev PipelineStart)
	OnPipelineEnd(cc *CallbackContext, ev PipelineEnd)
	OnNodeStart(cc *CallbackContext, ev NodeStart)
	OnNodeEnd(cc *CallbackContext, ev NodeEnd)
	OnNodeCached(cc *CallbackContext, ev NodeCached)
	OnNestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart)
	OnNestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd)
	OnMapStart(cc *CallbackContext, ev MapStart)
	OnMapEnd(cc *CallbackContext, ev MapEnd)
	OnMapItemStart(cc *CallbackContext, ev MapItemStart)
	OnMapItemEnd(cc *CallbackContext, ev MapItemEnd)
	OnMapItemCached(cc *CallbackContext, ev MapItemCached)
	OnError(cc *CallbackContext, ev Failure)
	OnNodeRetry(cc *CallbackContext, ev NodeRetry)
	OnNodeSkipped(cc *CallbackContext, ev NodeSkipped)
	OnEmit(cc *CallbackContext, ev Emit)
	OnCrashed(cc *CallbackContext, ev Crashed)
	OnMetric(cc *CallbackContext, ev Metric)
}

// Base implements every hook of [PipelineCallback] by doing nothing. Embed it.
type Base struct{}

var _ PipelineCallback = Base{}

// OnPipelineStart does nothing.
func (Base) OnPipelineStart(*CallbackContext, PipelineStart) {}

// OnPipelineEnd does nothing.
func (Base) OnPipelineEnd(*CallbackContext, PipelineEnd) {}

// OnNodeStart does nothing.
func (Base) OnNodeStart(*CallbackContext, NodeStart) {}

// OnNodeEnd does nothing.
func (Base) OnNodeEnd(*CallbackContext, NodeEnd) {}

// OnNodeCached does nothing.
func (Base) OnNodeCached(*CallbackContext, NodeCached) {}

// OnNestedPipelineStart does nothing.
func (Base) OnNestedPipelineStart(*CallbackContext, NestedPipelineStart) {}

// OnNestedPipelineEnd does nothing.
func (Base) OnNestedPipelineEnd(*CallbackContext, NestedPipelineEnd) {}

// OnMapStart does nothing.
func (Base) OnMapStart(*CallbackContext, MapStart) {}

// OnMapEnd does nothing.
func (Base) OnMapEnd(*CallbackContext, MapEnd) {}

// OnMapItemStart does nothing.
func (Base) OnMapItemStart(*CallbackContext, MapItemStart) {}

// OnMapItemEnd does nothing.
func (Base) OnMapItemEnd(*CallbackContext, MapItemEnd) {}

// OnMapItemCached does nothing.
func (Base) OnMapItemCached(*CallbackContext, MapItemCached) {}

// OnError does nothing.
func (Base) OnError(*CallbackContext, Failure) {}

// OnNodeRetry does nothing.
func (Base) OnNodeRetry(*CallbackContext, NodeRetry) {}

// OnNodeSkipped does nothing.
func (Base) OnNodeSkipped(*CallbackContext, NodeSkipped) {}

// OnEmit does nothing.
func (Base) OnEmit(*CallbackContext, Emit) {}

// OnCrashed does nothing.
func (Base) OnCrashed(*CallbackContext, Crashed) {}

// OnMetric does nothing.
func (Base) OnMetric(*CallbackContext, Metric) {}
