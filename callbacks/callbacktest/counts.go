package callbacktest

import "github.com/spanloom/spanloom/callbacks"

// ended counts a node or item that ended, for the pipelines around it.
func (c *checker) ended(cc *callbacks.CallbackContext, cached bool, l *callbacks.CacheLookup) {
	one := callbacks.Counts{Nodes: 1}
	switch {
	case cached:
		one.Cached = 1
	case l != nil && !l.Bypass:
		one.Missed = 1
	}
	for p := cc.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == callbacks.KindPipeline {
			c.scope(p).heard.Add(one)
		}
	}
}

// counts checks what the end of a pipeline counts. A step with callbacks of its own
// may be counted and not heard.
func (c *checker) counts(s *scope) {
	said := s.said
	if said.Nodes < s.heard.Nodes || said.Cached < s.heard.Cached || said.Missed < s.heard.Missed {
		c.errorf(11, s.cc, "counts %+v, but %+v were heard to end inside", said, s.heard)
	}
	if said.Cached < 0 || said.Missed < 0 || said.Cached+said.Missed > said.Nodes {
		c.errorf(11, s.cc, "counts %+v: more look-ups than nodes", said)
	}
}
