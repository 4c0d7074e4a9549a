package pluginhost

import (
	"cmp"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/nodespan"
	"github.com/spanloom/spanloom/internal/wire"
)

var (
	_ callbacks.PipelineCallback = (*Host)(nil)
	_ callbacks.Unsampled        = (*Host)(nil)
)

// Hooks returns the hooks that are sent to the backend.
func (h *Host) Hooks() callbacks.Hook { return wire.Carried }

// UnsampledHooks returns none, unless the backend is to have runs that are not
// sampled too.
func (h *Host) UnsampledHooks() callbacks.Hook {
	if h.spec.Unsampled {
		return h.Hooks()
	}
	return 0
}

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
	with.Error = wire.NewError(err, h.spec.Capture.Redactor.Clip)
	h.queue.put(r, &with)
}

// dispensable are the hooks that are not sent to a backend which does not need each of
// them; the starts only of steps with nothing inside, as the others say what is around
// a scope, and only if they end soon: what runs for long is told.
const dispensable = callbacks.HookNodeStart | callbacks.HookMapItemStart | callbacks.HookError

// needs reports whether the backend needs each call of a hook that is dispensable.
func (h *Host) needs(hook callbacks.Hook) bool { return h.unwanted.Load()&uint32(hook) == 0 }

// leaf reports whether a step is known to have no other scopes inside.
func leaf(n *callbacks.Node) bool {
	switch n.Type {
	case "func", "shell", "notebook":
		return true
	default:
		return false
	}
}

// begin queues the start of a node or item.
func (h *Host) begin(hook callbacks.Hook, cc *callbacks.CallbackContext, in callbacks.Values, l *callbacks.CacheLookup) {
	if !h.needs(hook) && leaf(cc.Node()) {
		h.queue.begin(cc)
		return
	}
	if l == nil && !h.spec.Capture.Inputs {
		h.put(hook, cc)
		return
	}
	h.beginWith(hook, cc, in, l)
}

//go:noinline // as failed
func (h *Host) beginWith(hook callbacks.Hook, cc *callbacks.CallbackContext, in callbacks.Values, l *callbacks.CacheLookup) {
	x := wire.Extra{Values: h.inputs(in)}
	x.Look(l)
	h.queue.put(wire.Record{Context: cc, Hook: hook}, &x)
}

// plain reports whether there is nothing to say of the end of a node or item but e.
func (h *Host) plain(cc *callbacks.CallbackContext, e *callbacks.End, l *callbacks.CacheLookup) bool {
	return e.Err == nil && l == nil && !h.spec.Capture.Outputs && !nodespan.Some(cc)
}

// endWith queues any other.
//
//go:noinline // as failed
func (h *Host) endWith(hook callbacks.Hook, cc *callbacks.CallbackContext, e callbacks.End, attempts int, out callbacks.Values, l *callbacks.CacheLookup) {
	x := wire.Extra{Values: h.outputs(out), Recorded: h.recorded(hook, cc, attempts, e.Err)}
	x.Look(l)
	h.end(hook, cc, e, attempts, &x)
}

// recorded returns what node code has recorded, as it leaves the host.
func (h *Host) recorded(hook callbacks.Hook, cc *callbacks.CallbackContext, attempt int, err error) *wire.Recorded {
	if !nodespan.Some(cc) {
		return nil
	}
	return wire.NewRecorded(cc, hook, attempt, err, h.spec.Capture.Redactor)
}

func (h *Host) inputs(v callbacks.Values) string { return h.captured(v, h.spec.Capture.Inputs) }

func (h *Host) outputs(v callbacks.Values) string { return h.captured(v, h.spec.Capture.Outputs) }

// captured returns values as they leave the host: they are there during the hook
// only.
func (h *Host) captured(v callbacks.Values, wanted bool) string {
	n := v.Len()
	if !wanted || n == 0 {
		return ""
	}
	list := make([]any, n)
	for i := range list {
		list[i] = v.Shared(i)
	}
	return h.spec.Capture.JSON(list...)
}

// OnPipelineStart queues the event.
func (h *Host) OnPipelineStart(cc *callbacks.CallbackContext, ev callbacks.PipelineStart) {
	if ev.Resumed == nil && !h.spec.Capture.Inputs {
		h.put(callbacks.HookPipelineStart, cc)
		return
	}
	x := &wire.Extra{Values: h.inputs(ev.Inputs)}
	if ev.Resumed != nil {
		resumed := *ev.Resumed // an event is not ours to keep
		x.Resumed = &resumed
	}
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookPipelineStart}, x)
}

// OnPipelineEnd queues the event.
func (h *Host) OnPipelineEnd(cc *callbacks.CallbackContext, ev callbacks.PipelineEnd) {
	h.end(callbacks.HookPipelineEnd, cc, ev.End, 0, &wire.Extra{
		Counts: ev.Counts, Values: h.outputs(ev.Outputs), Recorded: h.recorded(callbacks.HookPipelineEnd, cc, 0, ev.Err),
	})
}

// OnNodeStart queues the event.
func (h *Host) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	h.begin(callbacks.HookNodeStart, cc, ev.Inputs, ev.Cache)
}

// OnNodeEnd queues the event.
func (h *Host) OnNodeEnd(cc *callbacks.CallbackContext, ev callbacks.NodeEnd) {
	if h.plain(cc, &ev.End, ev.Cache) {
		h.queue.ended(callbacks.HookNodeEnd, cc, &ev.End, ev.Attempts)
		return
	}
	h.endWith(callbacks.HookNodeEnd, cc, ev.End, ev.Attempts, ev.Outputs, ev.Cache)
}

func (h *Host) cached(ev callbacks.NodeCached) *wire.Extra {
	return &wire.Extra{
		Signature: ev.Signature, Saved: ev.Saved, Reason: ev.Reason,
		TraceID: ev.TraceID, SpanID: ev.SpanID, Values: h.outputs(ev.Outputs),
		Tier: ev.Tier, InCache: ev.Size,
	}
}

// label returns that of an item as it leaves the host.
func (h *Host) label(text string) string { return h.spec.Capture.Redactor.Clip(text, maxLabel) }

// maxLabel is the most bytes of a label: the engine takes 100 characters.
const maxLabel = 400

// OnNodeCached queues the event.
func (h *Host) OnNodeCached(cc *callbacks.CallbackContext, ev callbacks.NodeCached) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookNodeCached}, h.cached(ev))
}

// OnNestedPipelineStart queues the event.
func (h *Host) OnNestedPipelineStart(_ *callbacks.CallbackContext, ev callbacks.NestedPipelineStart) {
	h.put(callbacks.HookNestedPipelineStart, ev.Child)
}

// OnNestedPipelineEnd queues the event.
func (h *Host) OnNestedPipelineEnd(_ *callbacks.CallbackContext, ev callbacks.NestedPipelineEnd) {
	h.end(callbacks.HookNestedPipelineEnd, ev.Child, ev.End, 0, &wire.Extra{Counts: ev.Counts})
}

// OnMapStart queues the event.
func (h *Host) OnMapStart(cc *callbacks.CallbackContext, ev callbacks.MapStart) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookMapStart},
		&wire.Extra{Size: ev.Size, Concurrency: ev.Concurrency, Values: h.inputs(ev.Inputs)})
}

// OnMapEnd queues the event.
func (h *Host) OnMapEnd(cc *callbacks.CallbackContext, ev callbacks.MapEnd) {
	h.end(callbacks.HookMapEnd, cc, ev.End, 0, &wire.Extra{
		Size:        ev.Succeeded + ev.Failed + ev.Cached + ev.Skipped,
		Concurrency: ev.Concurrency,
		Succeeded:   ev.Succeeded, Failed: ev.Failed, Cached: ev.Cached, Skipped: ev.Skipped,
		Values: h.outputs(ev.Outputs), Recorded: h.recorded(callbacks.HookMapEnd, cc, 0, ev.Err),
	})
}

// OnMapItemStart queues the event.
func (h *Host) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	if ev.Label == "" {
		h.begin(callbacks.HookMapItemStart, cc, ev.Inputs, ev.Cache)
		return
	}
	x := wire.Extra{Values: h.inputs(ev.Inputs), Label: h.label(ev.Label)}
	x.Look(ev.Cache)
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookMapItemStart}, &x)
}

// OnMapItemEnd queues the event.
func (h *Host) OnMapItemEnd(cc *callbacks.CallbackContext, ev callbacks.MapItemEnd) {
	if ev.Label == "" {
		if h.plain(cc, &ev.End, ev.Cache) {
			h.queue.ended(callbacks.HookMapItemEnd, cc, &ev.End, ev.Attempts)
			return
		}
		h.endWith(callbacks.HookMapItemEnd, cc, ev.End, ev.Attempts, ev.Outputs, ev.Cache)
		return
	}
	x := wire.Extra{
		Values: h.outputs(ev.Outputs), Label: h.label(ev.Label),
		Recorded: h.recorded(callbacks.HookMapItemEnd, cc, ev.Attempts, ev.Err),
	}
	x.Look(ev.Cache)
	h.end(callbacks.HookMapItemEnd, cc, ev.End, ev.Attempts, &x)
}

// OnMapItemCached queues the event.
func (h *Host) OnMapItemCached(cc *callbacks.CallbackContext, ev callbacks.MapItemCached) {
	x := h.cached(callbacks.NodeCached{
		Signature: ev.Signature, Saved: ev.Saved, Reason: ev.Reason,
		TraceID: ev.TraceID, SpanID: ev.SpanID, Outputs: ev.Outputs, Tier: ev.Tier, Size: ev.Size,
	})
	x.Label = h.label(ev.Label)
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookMapItemCached}, x)
}

// OnError queues the event.
func (h *Host) OnError(cc *callbacks.CallbackContext, ev callbacks.Failure) {
	if !h.needs(callbacks.HookError) {
		return
	}
	r := wire.Record{Context: cc, Hook: callbacks.HookError, Duration: sinceStart(cc), Result: ev.Result}
	h.failed(r, ev.Err, nil)
}

// OnNodeRetry queues the event.
func (h *Host) OnNodeRetry(cc *callbacks.CallbackContext, ev callbacks.NodeRetry) {
	r := wire.Record{
		Context: cc, Hook: callbacks.HookNodeRetry, Duration: ev.Start + ev.Duration,
		Attempts: int32(ev.Attempt),
	}
	h.failed(r, ev.Err, &wire.Extra{
		Delay: ev.Delay, Took: ev.Duration, Recorded: h.recorded(callbacks.HookNodeRetry, cc, ev.Attempt, ev.Err),
	})
}

// OnNodeSkipped queues the event.
func (h *Host) OnNodeSkipped(cc *callbacks.CallbackContext, ev callbacks.NodeSkipped) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookNodeSkipped}, &wire.Extra{Reason: ev.Reason})
}

// maxItems returns how many items of a map may have spans.
func maxItems(t backend.Tracing) int {
	if t.MapItems == "none" {
		return 0
	}
	const byDefault = 1000
	return cmp.Or(max(t.MaxPerMap, 0), byDefault)
}

// OnCrashed queues the event, if the run had spans.
func (h *Host) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	const sampled = 1
	if cc.Identity().Flags&sampled != 0 && h.crashed.Keeps(cc) {
		h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookCrashed, Duration: ev.Duration}, nil)
	}
}

// OnMetric queues the event.
func (h *Host) OnMetric(cc *callbacks.CallbackContext, ev callbacks.Metric) {
	h.queue.put(wire.Record{Context: cc, Hook: callbacks.HookMetric, Duration: ev.At}, &wire.Extra{Metric: &ev})
}

// OnEmit does nothing: values that are given out do not leave the process.
func (*Host) OnEmit(*callbacks.CallbackContext, callbacks.Emit) {}
