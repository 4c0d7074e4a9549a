package callbacks

// Pin returns cb as one that stays when a step of a pipeline replaces the callbacks
// of the run, as [Pinned] says. It costs nothing when a hook is called: the engine
// and [Multi] call cb itself.
func Pin(cb PipelineCallback) PipelineCallback { return pin{cb} }

type pin struct{ PipelineCallback }

// Pinned implements [Pinned].
func (pin) Pinned() bool { return true }

// Unwrap returns the callback.
func (p pin) Unwrap() PipelineCallback { return p.PipelineCallback }

// Hooks returns the hooks that the callback wants.
func (p pin) Hooks() Hook { return Interest(p.PipelineCallback) }

// UnsampledHooks implements [Unsampled].
func (p pin) UnsampledHooks() Hook { return unsampledInterest(p.PipelineCallback) }
