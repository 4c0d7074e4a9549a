package engine

import "github.com/spanloom/spanloom/callbacks"

// streamer is the callback that hears a run for the reader of its events.
type streamer struct{ *streaming }

var (
	_ callbacks.PipelineCallback = (*streamer)(nil)
	_ callbacks.Pinned           = (*streamer)(nil)
)

// Hooks says that the reader gets everything, times included.
func (*streamer) Hooks() callbacks.Hook { return callbacks.AllHooks }

// Pinned implements callbacks.Pinned: whoever ranges over a run is told of all
// its steps.
func (*streamer) Pinned() bool { return true }

func (s *streamer) event(h callbacks.Hook, cc *callbacks.CallbackContext, ev any) {
	s.tell(streamed{hook: h, context: cc, event: ev})
}

// own returns a copy that outlives the hook.
func own[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

var none callbacks.Values

// OnPipelineStart implements callbacks.PipelineCallback, as do the others.
func (s *streamer) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	ev.Inputs, ev.Resumed, ev.Workers = none, own(ev.Resumed), nil
	s.event(callbacks.HookPipelineStart, cc, ev)
}

func (s *streamer) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	ev.Outputs = none
	if cc.Parent() == nil {
		s.failure = ev.Err // read when the run has ended
	}
	s.event(callbacks.HookPipelineEnd, cc, ev)
}

func (s *streamer) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	ev.Inputs, ev.Cache = none, own(ev.Cache)
	s.event(callbacks.HookNodeStart, cc, ev)
}

func (s *streamer) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	ev.Outputs, ev.Cache = none, own(ev.Cache)
	s.event(callbacks.HookNodeEnd, cc, ev)
}

func (s *streamer) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	ev.Outputs = none
	s.event(callbacks.HookNodeCached, cc, ev)
}

func (s *streamer) OnNestedPipelineStart(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	s.event(callbacks.HookNestedPipelineStart, cc, ev)
}

func (s *streamer) OnNestedPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineEnd) {
	s.event(callbacks.HookNestedPipelineEnd, cc, ev)
}

func (s *streamer) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	ev.Inputs = none
	s.event(callbacks.HookMapStart, cc, ev)
}

func (s *streamer) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	ev.Outputs = none
	s.event(callbacks.HookMapEnd, cc, ev)
}

func (s *streamer) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	ev.Inputs, ev.Cache = none, own(ev.Cache)
	s.event(callbacks.HookMapItemStart, cc, ev)
}

func (s *streamer) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	ev.Outputs, ev.Cache = none, own(ev.Cache)
	s.event(callbacks.HookMapItemEnd, cc, ev)
}

func (s *streamer) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	ev.Outputs = none
	s.event(callbacks.HookMapItemCached, cc, ev)
}

func (s *streamer) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	s.event(callbacks.HookError, cc, ev)
}

func (s *streamer) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	s.event(callbacks.HookNodeRetry, cc, ev)
}

func (s *streamer) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	s.event(callbacks.HookNodeSkipped, cc, ev)
}

func (s *streamer) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	s.event(callbacks.HookCrashed, cc, ev)
}

func (s *streamer) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	s.event(callbacks.HookMetric, cc, ev)
}

// OnEmit may wait for the reader.
func (s *streamer) OnEmit(cc *callbacks.CallbackContext, ev callbacks.Emit) {
	chunk := ev.Value.Shared(0)
	ev.Value = none
	s.give(cc, streamed{hook: callbacks.HookEmit, context: cc, event: ev, chunk: chunk})
}
