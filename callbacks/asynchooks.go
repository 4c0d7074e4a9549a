package callbacks

import "context"

// Hooks returns the hooks that the callback wants; it was asked by [Async].
func (a *AsyncCallback) Hooks() Hook { return a.inner.hooks }

// UnsampledHooks implements [Unsampled]: it asks the callback.
func (a *AsyncCallback) UnsampledHooks() Hook { return a.inner.UnsampledHooks() }

// RunIdentity implements [RunIdentity]: it asks the callback at once.
func (a *AsyncCallback) RunIdentity(ctx context.Context) (Identity, bool) {
	return a.inner.RunIdentity(ctx)
}

// ContextValue implements [ContextValue]: it asks the callback at once.
func (a *AsyncCallback) ContextValue(cc *CallbackContext, key any) any {
	return a.inner.ContextValue(cc, key)
}

// Pinned implements [Pinned]: it asks the callback at once.
func (a *AsyncCallback) Pinned() bool {
	p, ok := a.inner.callback.(Pinned)
	return ok && p.Pinned()
}

// kept returns a copy of what an event points to, which is valid during the call
// only.
func kept[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// OnPipelineStart queues the call.
func (a *AsyncCallback) OnPipelineStart(cc *CallbackContext, ev PipelineStart) {
	ev.Inputs, ev.Resumed, ev.Workers = Values{}, kept(ev.Resumed), nil
	a.add(HookPipelineStart, cc, ev)
}

// OnPipelineEnd queues the call.
func (a *AsyncCallback) OnPipelineEnd(cc *CallbackContext, ev PipelineEnd) {
	ev.Outputs = Values{}
	a.add(HookPipelineEnd, cc, ev)
}

// OnNodeStart queues the call.
func (a *AsyncCallback) OnNodeStart(cc *CallbackContext, ev NodeStart) {
	ev.Inputs, ev.Cache = Values{}, kept(ev.Cache)
	a.add(HookNodeStart, cc, ev)
}

// OnNodeEnd queues the call.
func (a *AsyncCallback) OnNodeEnd(cc *CallbackContext, ev NodeEnd) {
	ev.Outputs, ev.Cache = Values{}, kept(ev.Cache)
	a.add(HookNodeEnd, cc, ev)
}

// OnNodeCached queues the call.
func (a *AsyncCallback) OnNodeCached(cc *CallbackContext, ev NodeCached) {
	ev.Outputs = Values{}
	a.add(HookNodeCached, cc, ev)
}

// OnNestedPipelineStart queues the call.
func (a *AsyncCallback) OnNestedPipelineStart(cc *CallbackContext, ev NestedPipelineStart) {
	a.add(HookNestedPipelineStart, cc, ev)
}

// OnNestedPipelineEnd queues the call.
func (a *AsyncCallback) OnNestedPipelineEnd(cc *CallbackContext, ev NestedPipelineEnd) {
	a.add(HookNestedPipelineEnd, cc, ev)
}

// OnMapStart queues the call.
func (a *AsyncCallback) OnMapStart(cc *CallbackContext, ev MapStart) {
	ev.Inputs = Values{}
	a.add(HookMapStart, cc, ev)
}

// OnMapEnd queues the call.
func (a *AsyncCallback) OnMapEnd(cc *CallbackContext, ev MapEnd) {
	ev.Outputs = Values{}
	a.add(HookMapEnd, cc, ev)
}

// OnMapItemStart queues the call.
func (a *AsyncCallback) OnMapItemStart(cc *CallbackContext, ev MapItemStart) {
	ev.Inputs, ev.Cache = Values{}, kept(ev.Cache)
	a.add(HookMapItemStart, cc, ev)
}

// OnMapItemEnd queues the call.
func (a *AsyncCallback) OnMapItemEnd(cc *CallbackContext, ev MapItemEnd) {
	ev.Outputs, ev.Cache = Values{}, kept(ev.Cache)
	a.add(HookMapItemEnd, cc, ev)
}

// OnMapItemCached queues the call.
func (a *AsyncCallback) OnMapItemCached(cc *CallbackContext, ev MapItemCached) {
	ev.Outputs = Values{}
	a.add(HookMapItemCached, cc, ev)
}

// OnError queues the call.
func (a *AsyncCallback) OnError(cc *CallbackContext, ev Failure) { a.add(HookError, cc, ev) }

// OnNodeRetry queues the call.
func (a *AsyncCallback) OnNodeRetry(cc *CallbackContext, ev NodeRetry) {
	a.add(HookNodeRetry, cc, ev)
}

// OnNodeSkipped queues the call.
func (a *AsyncCallback) OnNodeSkipped(cc *CallbackContext, ev NodeSkipped) {
	a.add(HookNodeSkipped, cc, ev)
}

// OnEmit queues the call.
func (a *AsyncCallback) OnEmit(cc *CallbackContext, ev Emit) {
	ev.Value = Values{}
	a.add(HookEmit, cc, ev)
}

// OnCrashed queues the call.
func (a *AsyncCallback) OnCrashed(cc *CallbackContext, ev Crashed) { a.add(HookCrashed, cc, ev) }

// OnMetric queues the call.
func (a *AsyncCallback) OnMetric(cc *CallbackContext, ev Metric) { a.add(HookMetric, cc, ev) }
