package telemetry

import (
	"github.com/spanloom/spanloom/callbacks"
	"github.com/spanloom/spanloom/internal/capture"
)

// text returns values as they stand on a span. What a host has captured for a
// backend process is taken as it is.
func (c *Callback) text(v callbacks.Values, wanted bool) string {
	n := v.Len()
	if n == 1 {
		if t, ok := v.Shared(0).(capture.Text); ok {
			return valid(string(t))
		}
	}
	if !wanted || n == 0 {
		return ""
	}
	list := make([]any, n)
	for i := range list {
		list[i] = v.Shared(i)
	}
	return c.capture.JSON(list...)
}

// outputs adds what the scope returned, if that is captured.
func (c *Callback) outputs(s *span, v callbacks.Values) {
	if t := c.text(v, c.capture.Outputs); t != "" {
		s.add(keyOutputs.String(t))
	}
}

// inputs notes what the scope was given, if that is captured.
func (c *Callback) inputs(cc *callbacks.CallbackContext, v callbacks.Values) {
	if v.Len() == 0 || !c.follows(cc) {
		return
	}
	if t := c.text(v, c.capture.Inputs); t != "" {
		c.notes.write(cc, func(n *note) { n.inputs = keyInputs.String(t) })
	}
}

// OnNodeStart follows a node, and notes its inputs.
func (c *Callback) OnNodeStart(cc *callbacks.CallbackContext, ev callbacks.NodeStart) {
	c.begun(cc)
	c.inputs(cc, ev.Inputs)
}

// OnMapItemStart follows a map item, and notes its inputs.
func (c *Callback) OnMapItemStart(cc *callbacks.CallbackContext, ev callbacks.MapItemStart) {
	c.begun(cc)
	c.inputs(cc, ev.Inputs)
}
