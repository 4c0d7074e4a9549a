package enginetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/callbacks"
)

// scope is one line of a tree, and those below it.
type scope struct {
	key      scopeKey
	hooks    []note
	children map[scopeKey]*scope
}

// scopeKey tells a scope from its siblings.
type scopeKey struct {
	iteration int
	name      string
	index     int
	kind      callbacks.Kind
	attempt   int
}

func (k scopeKey) compare(other scopeKey) int {
	return cmp.Or(
		cmp.Compare(k.iteration, other.iteration), cmp.Compare(k.name, other.name), cmp.Compare(k.index, other.index),
		cmp.Compare(k.kind, other.kind), cmp.Compare(k.attempt, other.attempt),
	)
}

func (k scopeKey) String() string {
	s := fmt.Sprintf("%s %s", k.kind, k.name)
	if k.kind == callbacks.KindMapItem {
		s = fmt.Sprintf("item [%d]", k.index)
	}
	if k.iteration > 0 {
		s += fmt.Sprintf(" #%d", k.iteration)
	}
	if k.attempt != 1 {
		s += fmt.Sprintf(" attempt=%d", k.attempt)
	}
	return s
}

// find returns the scope of cc below s, which is the one around the run.
func (s *scope) find(cc *callbacks.CallbackContext) *scope {
	if cc == nil {
		return s
	}
	p := s.find(cc.Parent())
	k := scopeKey{cc.Iteration(), cc.Name(), cc.Index(), cc.Kind(), cc.Attempt()}
	c := p.children[k]
	if c == nil {
		c = &scope{key: k, children: map[scopeKey]*scope{}}
		p.children[k] = c
	}
	return c
}

// tree returns what a witness heard.
func (w *witness) tree() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	top := &scope{children: map[scopeKey]*scope{}}
	for _, n := range w.notes {
		s := top.find(n.of)
		last := len(s.hooks) - 1
		if n.hook == "emit" && last >= 0 && s.hooks[last].hook == "emit" {
			s.hooks[last].text += n.text // where one chunk ends is not compared
			continue
		}
		s.hooks = append(s.hooks, n)
	}
	var b strings.Builder
	top.write(&b, "")
	return b.String()
}

func (s *scope) write(b *strings.Builder, indent string) {
	children := make([]*scope, 0, len(s.children))
	for _, c := range s.children {
		children = append(children, c)
	}
	slices.SortFunc(children, func(x, y *scope) int { return x.key.compare(y.key) })
	for _, c := range children {
		fmt.Fprintf(b, "%s%s:", indent, c.key)
		for _, h := range c.hooks {
			b.WriteString(" " + h.hook)
			if h.text != "" {
				fmt.Fprintf(b, "(%s)", h.text)
			}
		}
		b.WriteByte('\n')
		c.write(b, indent+"  ")
	}
}
