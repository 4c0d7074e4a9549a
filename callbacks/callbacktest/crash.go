package callbacktest

import "github.com/spanloom/spanloom/callbacks"

// crashes are the scopes that OnCrashed told of.
type crashes map[spanInTrace]*callbacks.CallbackContext

type spanInTrace struct {
	trace callbacks.TraceID
	span  callbacks.SpanID
}

// crash checks OnCrashed.
func (c *checker) crash(cc *callbacks.CallbackContext, e callbacks.Crashed) {
	at := spanInTrace{cc.TraceID(), cc.SpanID()}
	switch {
	case !at.span.IsValid():
		c.errorf(12, cc, "OnCrashed without a span id")
	case c.crashed[at] != nil:
		c.errorf(12, cc, "OnCrashed twice")
	case cc.Parent() != nil && c.crashed[around(cc)] != nil:
		c.errorf(12, cc, "OnCrashed after that of the scope around it")
	case e.Duration < 0:
		c.errorf(12, cc, "negative duration %s", e.Duration)
	}
	if s := c.scopes[cc]; s != nil {
		c.errorf(12, cc, "OnCrashed with the context of a scope of this start")
	}
	if r := c.runs[cc.RunID()]; r != nil && r.spans[at.span] {
		c.errorf(12, cc, "OnCrashed of a scope of this start")
	}
	c.crashed[at] = cc
}

func around(cc *callbacks.CallbackContext) spanInTrace {
	return spanInTrace{cc.TraceID(), cc.ParentSpanID()}
}

// orphans finds scopes that crashed inside others that did not.
func (c *checker) orphans() {
	for _, cc := range c.crashed {
		if cc.Parent() != nil && c.crashed[around(cc)] == nil {
			c.errorf(12, cc, "OnCrashed without that of the scope around it, %s", cc.ParentSpanID())
		}
	}
}
