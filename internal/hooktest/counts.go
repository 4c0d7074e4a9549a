package hooktest

import "github.com/spanloom/spanloom/callbacks"

// counts are what ended inside the pipelines of a run.
type counts map[*callbacks.CallbackContext]callbacks.Counts

func (c counts) of(cc *callbacks.CallbackContext) callbacks.Counts { return c[cc] }

func (c counts) cached(cc *callbacks.CallbackContext) {
	c.add(cc, callbacks.Counts{Nodes: 1, Cached: 1})
}

func (c counts) ended(cc *callbacks.CallbackContext, l *callbacks.CacheLookup) {
	one := callbacks.Counts{Nodes: 1}
	if l != nil && !l.Bypass {
		one.Missed = 1
	}
	c.add(cc, one)
}

func (c counts) add(cc *callbacks.CallbackContext, one callbacks.Counts) {
	for p := cc.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == callbacks.KindPipeline {
			sum := c[p]
			sum.Add(one)
			c[p] = sum
		}
	}
}
