package callbacktest

import (
	"sync"

	"github.com/spanloom/spanloom/callbacks"
)

// Event is one recorded call of a hook.
type Event struct {
	Hook    callbacks.Hook
	Context *callbacks.CallbackContext
	// Event is the event struct that the hook was given. The Values in it are
	// no longer valid.
	Event any
}

// Recorder is a callback that keeps every call in the order in which the calls
// were made. The zero Recorder is ready; it may be used by several runs, and
// concurrently.
type Recorder struct {
	mu     sync.Mutex
	events []Event
}

var _ callbacks.PipelineCallback = (*Recorder)(nil)

// Events returns what was recorded so far.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

func (r *Recorder) add(h callbacks.Hook, cc *callbacks.CallbackContext, ev any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, Event{h, cc, ev})
}

// OnPipelineStart records the call.
func (r *Recorder) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	r.add(callbacks.HookPipelineStart, cc, ev)
}

// OnPipelineEnd records the call.
func (r *Recorder) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	r.add(callbacks.HookPipelineEnd, cc, ev)
}

// OnNodeStart records the call.
func (r *Recorder) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	r.add(callbacks.HookNodeStart, cc, ev)
}

// OnNodeEnd records the call.
func (r *Recorder) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	r.add(callbacks.HookNodeEnd, cc, ev)
}

// OnNodeCached records the call.
func (r *Recorder) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	r.add(callbacks.HookNodeCached, cc, ev)
}

// OnNestedPipelineStart records the call.
func (r *Recorder) OnNestedPipelineStart(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	r.add(callbacks.HookNestedPipelineStart, cc, ev)
}

// OnNestedPipelineEnd records the call.
func (r *Recorder) OnNestedPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.NestedPipelineEnd) {
	r.add(callbacks.HookNestedPipelineEnd, cc, ev)
}

// OnMapStart records the call.
func (r *Recorder) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	r.add(callbacks.HookMapStart, cc, ev)
}

// OnMapEnd records the call.
func (r *Recorder) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	r.add(callbacks.HookMapEnd, cc, ev)
}

// OnMapItemStart records the call.
func (r *Recorder) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	r.add(callbacks.HookMapItemStart, cc, ev)
}

// OnMapItemEnd records the call.
func (r *Recorder) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	r.add(callbacks.HookMapItemEnd, cc, ev)
}

// OnMapItemCached records the call.
func (r *Recorder) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	r.add(callbacks.HookMapItemCached, cc, ev)
}

// OnError records the call.
func (r *Recorder) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	r.add(callbacks.HookError, cc, ev)
}

// OnNodeRetry records the call.
func (r *Recorder) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	r.add(callbacks.HookNodeRetry, cc, ev)
}

// OnNodeSkipped records the call.
func (r *Recorder) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	r.add(callbacks.HookNodeSkipped, cc, ev)
}

// OnEmit records the call.
func (r *Recorder) OnEmit(cc *callbacks.CallbackContext, ev callbacks.Emit) {
	r.add(callbacks.HookEmit, cc, ev)
}

// OnCrashed records the call.
func (r *Recorder) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	r.add(callbacks.HookCrashed, cc, ev)
}

// OnMetric records the call.
func (r *Recorder) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	r.add(callbacks.HookMetric, cc, ev)
}
