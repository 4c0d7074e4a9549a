package pluginhost

import (
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/wire"
)

var _ callbacks.PipelineCallback = (*Host)(nil)

// Hooks returns the hooks that are sent to the backend.
func (h *Host) Hooks() callbacks.Hook { return wire.Carried }

// put queues a hook without extra facts.
func (h *Host) put(hook callbacks.Hook, cc *callbacks.CallbackContext) {
	h.queue.put(wire.Record{Context: cc, Hook: hook}, nil)
}

// end queues an End; x is nil when it has no facts of its own.
func (h *Host) end(hook callbacks.Hook, cc *callbacks.CallbackContext, e callbacks.End, attempts int, x *wire.Extra) {
	r := wire.Record{
		Context: cc, Hook: hook, Duration: e.Duration, Result: e.Result, Origin: e.Origin,
		Attempts: int32(attempts),
	}
	if e.Err != nil {
		h.failed(r, e.Err, x)
		return
	}
	h.queue.put(r, x)
}

// failed queues a record with an error. It stands apart so that the common way
// does not pay for the space.
//
//go:noinline
func (h *Host) failed(r wire.Record, err error, x *wire.Extra) {
	var with wire.Extra
	if x != nil {
		with = *x
	}
	with.Error = wire.NewError(err)
	h.queue.put(r, &with)
}

// OnPipelineStart queues the event.
func (h *Host) OnPipelineStart(cc *callbacks.CallbackContext, _ callbacks.PipelineStart) {
	h.put(callbacks.HookPipelineStart, cc)
}

// OnPipelineEnd queues the event.
func (h *Host) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	h.end(callbacks.HookPipelineEnd, cc, ev.End, 0, nil)
}

// OnNodeStart queues the event.
func (h *Host) OnNodeStart(cc *callbacks.CallbackContext, _ callbacks.NodeStart) {
	h.put(callbacks.HookNodeStart, cc)
}

// OnNodeEnd queues the event.
func (h *Host) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	h.end(callbacks.HookNodeEnd, cc, ev.End, ev.Attempts, nil)
}

// OnNodeCached queues the event.
func (h *Host) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookNodeCached},
		&wire.Extra{Signature: ev.Signature, Saved: ev.Saved, Reason: ev.Reason})
}

// OnNestedPipelineStart queues the event.
func (h *Host) OnNestedPipelineStart(_ *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	h.put(callbacks.HookNestedPipelineStart, ev.Child)
}

// OnNestedPipelineEnd queues the event.
func (h *Host) OnNestedPipelineEnd(_ *callbacks.CallbackContext, ev callbacks.NestedPipelineEnd) {
	h.end(callbacks.HookNestedPipelineEnd, ev.Child, ev.End, 0, nil)
}

// OnMapStart queues the event.
func (h *Host) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookMapStart},
		&wire.Extra{Size: ev.Size, Concurrency: ev.Concurrency})
}

// OnMapEnd queues the event.
func (h *Host) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	h.end(callbacks.HookMapEnd, cc, ev.End, 0, &wire.Extra{
		Size:        ev.Succeeded + ev.Failed + ev.Cached + ev.Skipped,
		Concurrency: ev.Concurrency,
		Succeeded:   ev.Succeeded, Failed: ev.Failed, Cached: ev.Cached, Skipped: ev.Skipped,
	})
}

// OnMapItemStart queues the event.
func (h *Host) OnMapItemStart(cc *callbacks.CallbackContext, _ callbacks.MapItemStart) {
	h.put(callbacks.HookMapItemStart, cc)
}

// OnMapItemEnd queues the event.
func (h *Host) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	h.end(callbacks.HookMapItemEnd, cc, ev.End, ev.Attempts, nil)
}

// OnMapItemCached queues the event.
func (h *Host) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookMapItemCached},
		&wire.Extra{Signature: ev.Signature, Saved: ev.Saved, Reason: ev.Reason})
}

// OnError queues the event.
func (h *Host) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	r := wire.Record{Context: cc, Hook: callbacks.HookError, Duration: sinceStart(cc), Result: ev.Result}
	h.failed(r, ev.Err, nil)
}

// OnNodeRetry queues the event.
func (h *Host) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	r := wire.Record{
		Context: cc, Hook: callbacks.HookNodeRetry, Duration: sinceStart(cc),
		Attempts: int32(ev.Attempt),
	}
	h.failed(r, ev.Err, &wire.Extra{Delay: ev.Delay})
}

// OnNodeSkipped queues the event.
func (h *Host) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookNodeSkipped}, &wire.Extra{Reason: ev.Reason})
}

// OnEmit does nothing: values do not leave the process.
func (*Host) OnEmit(*callbacks.CallbackContext, callbacks.Emit) {}
