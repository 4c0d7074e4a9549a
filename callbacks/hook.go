package callbacks

// Hook is a set of hooks: what a callback wants to hear.
//
// A callback may have a method
//
//	Hooks() callbacks.Hook
//
// which is asked once per run. An engine computes nothing that no callback of
// the run asked for. A callback without the method hears everything.
type Hook uint32

// The hooks of [PipelineCallback].
const (
	HookPipelineStart Hook = 1 << iota
	HookPipelineEnd
	HookNodeStart
	HookNodeEnd
	HookNodeCached
	HookNestedPipelineStart
	HookNestedPipelineEnd
	HookMapStart
	HookMapEnd
	HookMapItemStart
	HookMapItemEnd
	HookMapItemCached
	HookError
	HookNodeRetry
	HookNodeSkipped
	HookEmit
	HookCrashed
	HookMetric

	// Times asks for start times and durations. Without it
	// [CallbackContext.Start] and End.Duration may be zero.
	Times

	// AllHooks is every hook, and [Times].
	AllHooks = Times<<1 - 1
)

// Interest returns the hooks that cb wants: what its Hooks method says, or
// [AllHooks].
func Interest(cb PipelineCallback) Hook {
	if s, ok := cb.(interface{ Hooks() Hook }); ok {
		return s.Hooks()
	}
	return AllHooks
}

// Unsampled is what a callback also implements that wants other hooks, or none, of
// runs that are not sampled: those whose [Identity] does not have the flag. It is
// then asked once per run, in place of Hooks. So nothing is made of such a run for
// a callback that would not use it.
type Unsampled interface {
	UnsampledHooks() Hook
}

// unsampledInterest is Interest for a run that is not sampled.
func unsampledInterest(cb PipelineCallback) Hook {
	if u, ok := cb.(Unsampled); ok {
		return u.UnsampledHooks()
	}
	return Interest(cb)
}

var hookNames = [...]string{
	"OnPipelineStart", "OnPipelineEnd", "OnNodeStart", "OnNodeEnd", "OnNodeCached",
	"OnNestedPipelineStart", "OnNestedPipelineEnd", "OnMapStart", "OnMapEnd",
	"OnMapItemStart", "OnMapItemEnd", "OnMapItemCached", "OnError",
	"OnNodeRetry", "OnNodeSkipped", "OnEmit", "OnCrashed", "OnMetric", "Times",
}

// String returns the method names of the set, joined with "|".
func (h Hook) String() string {
	s := ""
	for i, name := range hookNames {
		if h&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += "|"
		}
		s += name
	}
	return s
}
