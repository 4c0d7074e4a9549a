package callbacks

// Funcs is a [PipelineCallback] made of functions. A nil field means that the
// hook is not wanted, and costs nothing.
type Funcs struct {
	PipelineStart       func(*CallbackContext, PipelineStart)
	PipelineEnd         func(*CallbackContext, PipelineEnd)
	NodeStart           func(*CallbackContext, NodeStart)
	NodeEnd             func(*CallbackContext, NodeEnd)
	NodeCached          func(*CallbackContext, NodeCached)
	NestedPipelineStart func(*CallbackContext, NestedPipelineStart)
	NestedPipelineEnd   func(*CallbackContext, NestedPipelineEnd)
	MapStart            func(*CallbackContext, MapStart)
	MapEnd              func(*CallbackContext, MapEnd)
	MapItemStart        func(*CallbackContext, MapItemStart)
	MapItemEnd          func(*CallbackContext, MapItemEnd)
	MapItemCached       func(*CallbackContext, MapItemCached)
	Error               func(*CallbackContext, Failure)
	NodeRetry           func(*CallbackContext, NodeRetry)
	NodeSkipped         func(*CallbackContext, NodeSkipped)
	Emit                func(*CallbackContext, Emit)
	Crashed             func(*CallbackContext, Crashed)
	Metric              func(*CallbackContext, Metric)
}

var _ PipelineCallback = Funcs{}

// Hooks returns the hooks whose field is set, with [Times] when there is one.
func (f Funcs) Hooks() Hook {
	var h Hook
	for _, w := range [...]struct {
		set  bool
		hook Hook
	}{
		{f.PipelineStart != nil, HookPipelineStart},
		{f.PipelineEnd != nil, HookPipelineEnd},
		{f.NodeStart != nil, HookNodeStart},
		{f.NodeEnd != nil, HookNodeEnd},
		{f.NodeCached != nil, HookNodeCached},
		{f.NestedPipelineStart != nil, HookNestedPipelineStart},
		{f.NestedPipelineEnd != nil, HookNestedPipelineEnd},
		{f.MapStart != nil, HookMapStart},
		{f.MapEnd != nil, HookMapEnd},
		{f.MapItemStart != nil, HookMapItemStart},
		{f.MapItemEnd != nil, HookMapItemEnd},
		{f.MapItemCached != nil, HookMapItemCached},
		{f.Error != nil, HookError},
		{f.NodeRetry != nil, HookNodeRetry},
		{f.NodeSkipped != nil, HookNodeSkipped},
		{f.Emit != nil, HookEmit},
		{f.Crashed != nil, HookCrashed},
		{f.Metric != nil, HookMetric},
	} {
		if w.set {
			h |= w.hook | Times
		}
	}
	return h
}

// OnPipelineStart calls f.PipelineStart when it is set.
func (f Funcs) OnPipelineStart(cc *CallbackContext, ev PipelineStart) {
	if f.PipelineStart != nil {
		f.PipelineStart(cc, ev)
	}
}

// OnPipelineEnd calls f.PipelineEnd when it is set.
func (f Funcs) OnPipelineEnd(cc *CallbackContext, ev PipelineEnd) {
	if f.PipelineEnd != nil {
		f.PipelineEnd(cc, ev)
	}
}

// OnNodeStart calls f.NodeStart when it is set.
func (f Funcs) OnNodeStart(cc *CallbackContext, ev NodeStart) {
	if f.NodeStart != nil {
		f.NodeStart(cc, ev)
	}
}

// OnNodeEnd calls f.NodeEnd when it is set.
func (f Funcs) OnNodeEnd(cc *CallbackContext, ev NodeEnd) {
	if f.NodeEnd != nil {
		f.NodeEnd(cc, ev)
	}
}

// OnNodeCached calls f.NodeCached when it is set.
func (f Funcs) OnNodeCached(cc *CallbackContext, ev NodeCached) {
	if f.NodeCached != nil {
		f.NodeCached(cc, ev)
	}
}

// OnNestedPipelineStart calls f.NestedPipelineStart when it is set.
func (f Funcs) OnNestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart) {
	if f.NestedPipelineStart != nil {
		f.NestedPipelineStart(cc, ev)
	}
}

// OnNestedPipelineEnd calls f.NestedPipelineEnd when it is set.
func (f Funcs) OnNestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd) {
	if f.NestedPipelineEnd != nil {
		f.NestedPipelineEnd(cc, ev)
	}
}

// OnMapStart calls f.MapStart when it is set.
func (f Funcs) OnMapStart(cc *CallbackContext, ev MapStart) {
	if f.MapStart != nil {
		f.MapStart(cc, ev)
	}
}

// OnMapEnd calls f.MapEnd when it is set.
func (f Funcs) OnMapEnd(cc *CallbackContext, ev MapEnd) {
	if f.MapEnd != nil {
		f.MapEnd(cc, ev)
	}
}

// OnMapItemStart calls f.MapItemStart when it is set.
func (f Funcs) OnMapItemStart(cc *CallbackContext, ev MapItemStart) {
	if f.MapItemStart != nil {
		f.MapItemStart(cc, ev)
	}
}

// OnMapItemEnd calls f.MapItemEnd when it is set.
func (f Funcs) OnMapItemEnd(cc *CallbackContext, ev MapItemEnd) {
	if f.MapItemEnd != nil {
		f.MapItemEnd(cc, ev)
	}
}

// OnMapItemCached calls f.MapItemCached when it is set.
func (f Funcs) OnMapItemCached(cc *CallbackContext, ev MapItemCached) {
	if f.MapItemCached != nil {
		f.MapItemCached(cc, ev)
	}
}

// OnError calls f.Error when it is set.
func (f Funcs) OnError(cc *CallbackContext, ev Failure) {
	if f.Error != nil {
		f.Error(cc, ev)
	}
}

// OnNodeRetry calls f.NodeRetry when it is set.
func (f Funcs) OnNodeRetry(cc *CallbackContext, ev NodeRetry) {
	if f.NodeRetry != nil {
		f.NodeRetry(cc, ev)
	}
}

// OnNodeSkipped calls f.NodeSkipped when it is set.
func (f Funcs) OnNodeSkipped(cc *CallbackContext, ev NodeSkipped) {
	if f.NodeSkipped != nil {
		f.NodeSkipped(cc, ev)
	}
}

// OnEmit calls f.Emit when it is set.
func (f Funcs) OnEmit(cc *CallbackContext, ev Emit) {
	if f.Emit != nil {
		f.Emit(cc, ev)
	}
}

// OnCrashed calls f.Crashed when it is set.
func (f Funcs) OnCrashed(cc *CallbackContext, ev Crashed) {
	if f.Crashed != nil {
		f.Crashed(cc, ev)
	}
}

// OnMetric calls f.Metric when it is set.
func (f Funcs) OnMetric(cc *CallbackContext, ev Metric) {
	if f.Metric != nil {
		f.Metric(cc, ev)
	}
}
