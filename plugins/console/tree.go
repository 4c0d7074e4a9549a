package console

import (
	"slices"
	"strings"
	"time"
)

// maxBuffered is the most bytes of lines that wait.
const maxBuffered = 1 << 20

// scope is a step that has steps inside: a run, a nested pipeline, a map, a
// branch. All runs together are the scopes of a scope that is always attached.
//
// A scope is attached when its lines go out at once. Of the scopes inside an
// attached one at most one, its focus, is attached; while there is a focus, the
// lines of all else wait.
type scope struct {
	parent   *scope
	head     line     // name, level, and for a run its ids
	attached bool     //
	focus    *scope   // the attached one of those inside
	pending  []string // what waits to be printed here, oldest first
	open     []*scope // those inside, not attached, that have something to print
	queued   bool     // in parent.open
	printed  bool     // the header was printed

	failureBelow bool          // a failure inside was printed
	failedItems  int           // lines of failed items of a map
	retries      int           // of a map's items
	rounds       int           // of a loop
	saved        time.Duration // by stored results of a map's items
}

// tree prints scopes in an order in which each one's lines stand together.
type tree struct {
	layout   layout
	top      *scope
	out      strings.Builder
	buffered int
}

func newTree(l layout) *tree {
	return &tree{layout: l, top: &scope{head: line{level: -1}, attached: true}}
}

func (t *tree) write(text string) { t.out.WriteString(text) }

// emit prints text inside s, now or when its turn comes.
func (t *tree) emit(s *scope, text string) {
	if t.reach(s) && s.focus == nil {
		t.write(text)
		return
	}
	s.pending = append(s.pending, text)
	t.buffered += len(text)
	t.link(s)
	if t.buffered > maxBuffered {
		t.yield(s)
	}
}

// show prints the header of s, now or when its turn comes.
func (t *tree) show(s *scope) {
	if !t.reach(s) {
		t.link(s)
	}
}

// reach attaches s if nothing else is in the way.
func (t *tree) reach(s *scope) bool {
	if s.attached {
		return true
	}
	if !t.reach(s.parent) || s.parent.focus != nil {
		return false
	}
	t.attach(s)
	return true
}

// link queues s, and the scopes around it, until they can be attached.
func (t *tree) link(s *scope) {
	for ; !s.attached && !s.queued; s = s.parent {
		s.queued = true
		s.parent.open = append(s.parent.open, s)
	}
}

func (t *tree) unlink(s *scope) {
	if s.queued {
		s.queued = false
		i := slices.Index(s.parent.open, s)
		s.parent.open = slices.Delete(s.parent.open, i, i+1)
	}
}

// attach makes s the focus of its parent, and prints what waits in it.
func (t *tree) attach(s *scope) {
	t.unlink(s)
	s.attached = true
	s.parent.focus = s
	t.write(t.header(s))
	t.drain(s)
}

// header returns the header of s.
func (t *tree) header(s *scope) string {
	h := s.head
	if s.printed {
		h.details = append(slices.Clone(h.details), "(continued)")
	}
	s.printed = true
	return t.layout.header(h)
}

// drain prints what waits in s, which is attached and has no focus, and gives
// the focus to the oldest inside that waits.
func (t *tree) drain(s *scope) {
	for _, text := range s.pending {
		t.buffered -= len(text)
		t.write(text)
	}
	s.pending = nil
	if len(s.open) > 0 {
		t.attach(s.open[0])
	}
}

// yield takes the focus from the scope for which s must wait, and gives it to
// the next: its parent then goes on later.
func (t *tree) yield(s *scope) {
	for !s.attached {
		s = s.parent
	}
	var chain []*scope
	for c := s.focus; c != nil; c = c.focus {
		chain = append(chain, c)
	}
	for _, c := range slices.Backward(chain) {
		c.attached, c.parent.focus = false, nil
		if len(c.pending) > 0 || len(c.open) > 0 {
			t.link(c)
		}
	}
	t.drain(s)
}

// contents takes away and returns everything that waits in s.
func (t *tree) contents(s *scope) string {
	var b strings.Builder
	if s.focus != nil { // its End was lost
		b.WriteString(t.contents(s.focus))
		s.focus.attached = false
		s.focus = nil
	}
	for _, text := range s.pending {
		t.buffered -= len(text)
		b.WriteString(text)
	}
	s.pending = nil
	for _, c := range s.open {
		c.queued = false
		b.WriteString(t.header(c))
		b.WriteString(t.contents(c))
	}
	s.open = nil
	return b.String()
}

// standsAlone says that the end of s is a line by itself, with no header above.
func (s *scope) standsAlone() bool {
	return !s.attached && len(s.pending) == 0 && len(s.open) == 0
}

// close prints the last line of s.
func (t *tree) close(s *scope, end string) {
	parent := s.parent
	switch {
	case s.attached:
		t.write(t.contents(s) + end)
		s.attached, parent.focus = false, nil
		t.drain(parent)
	case s.standsAlone():
		t.unlink(s)
		t.emit(parent, end)
	default:
		t.unlink(s)
		t.emit(parent, t.header(s)+t.contents(s)+end)
	}
}
