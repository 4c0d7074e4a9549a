package telemetry

import (
	"context"
	"encoding/binary"

	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/propagation"
)

// Sampler decides, once for each run and before anything is made of it, whether
// the run is part of the traces. It is a callback: give it to an engine before
// those that make telemetry. It may serve any number of runs at once.
//
// A run that stands under a span is sampled if that is. Of the others, a part is,
// chosen by the trace id as OpenTelemetry's TraceIDRatioBased sampler does: other
// services with the same ratio choose the same traces.
type Sampler struct {
	callbacks.Base
	propagation.OTel

	// Ratio is the part of the new roots that are sampled, from 0, none, to 1, all.
	Ratio float64

	// Linked gives each run that the code of a node starts a trace of its own, and
	// links both: the span of the run with that of the node, or of its attempt, and
	// the other way round. It is sampled if the node is. Nested pipelines are part
	// of their run in any case. Defaults to false: one trace for all.
	Linked bool
}

var (
	_ callbacks.PipelineCallback = Sampler{}
	_ callbacks.RunIdentity      = Sampler{}
	_ callbacks.ContextValue     = Sampler{}
	_ callbacks.Pinned           = Sampler{}
)

// Hooks returns none.
func (Sampler) Hooks() callbacks.Hook { return 0 }

// Pinned keeps the sampler where a step replaces the callbacks.
func (Sampler) Pinned() bool { return true }

// RunIdentity returns the place of the run, which is new where there is none
// around it, and whether it is sampled.
func (s Sampler) RunIdentity(ctx context.Context) (callbacks.Identity, bool) {
	if id, ok := s.OTel.RunIdentity(ctx); ok {
		if cc := callbacks.FromContext(ctx); cc != nil && s.Linked {
			return apart(id, cc), true
		}
		return id, true
	}
	id := callbacks.NewIdentity()
	if !below(binary.BigEndian.Uint64(id.TraceID[8:]), s.Ratio) {
		id.Flags &^= sampled
	}
	return id, true
}

// apart returns the identity of a run that is started in cc, in another trace.
func apart(around callbacks.Identity, cc *callbacks.CallbackContext) callbacks.Identity {
	id := callbacks.NewIdentity()
	id.Flags = around.Flags
	id.LinkTrace, id.LinkSpan = cc.TraceID(), cc.SpanID()
	return id
}

// sampled is the W3C trace flag.
const sampled = 1

// below reports whether a random id is in the chosen part. Its upper 63 bits are
// compared, as the TraceIDRatioBased sampler of OpenTelemetry's SDK for Go does.
func below(id uint64, ratio float64) bool {
	switch {
	case ratio >= 1:
		return true
	case !(ratio > 0): // NaN too
		return false
	default:
		return id>>1 < uint64(ratio*(1<<63))
	}
}
