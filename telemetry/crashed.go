package telemetry

import "github.com/spanloom/spanloom/callbacks"

// crashed is the error of a scope whose process ended before it did.
type crashed struct{}

// Error implements error.
func (crashed) Error() string { return "the process ended before this did" }

// ErrorType returns what error.type says of it.
func (crashed) ErrorType() string { return "crashed" }

// OnCrashed makes the span that a scope would have had if its process had not ended
// before. Of a run that was not sampled nothing is made: the spans that it might have
// been kept with are lost.
func (c *Callback) OnCrashed(cc *callbacks.CallbackContext, ev callbacks.Crashed) {
	if cc.Identity().Flags&sampled == 0 || !c.crashed.Keeps(cc) || !c.wants(cc) {
		return
	}
	e := callbacks.End{Duration: max(ev.Duration, 0), Result: callbacks.ResultError, Err: crashed{}}
	var s *span
	switch cc.Kind() {
	case callbacks.KindPipeline:
		s = c.newPipelineSpan(cc, e)
	case callbacks.KindMap:
		s = c.newMapSpan(cc, e)
	case callbacks.KindMapItem:
		s = c.newItemSpan(cc, e, "")
	case callbacks.KindNode, callbacks.KindJob:
		s = c.newNodeSpan(cc, e)
	default:
		return
	}
	s.finish(e)
	c.put(s)
}
