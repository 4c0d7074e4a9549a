package engine

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Mermaid returns the steps as a flowchart of Mermaid: one box for each node, and
// a subgraph for each step that has others inside, with an end where values come
// in and one where they go out. The text of names is escaped.
func (e *Explanation) Mermaid() string {
	m := &mermaid{Explanation: e}
	m.b.WriteString("flowchart TD\n")
	for i, text := range e.errs {
		fmt.Fprintf(&m.b, "  e%d[\"mistake<br/>%s\"]\n", i, escape(text))
	}
	for i := range e.steps {
		for len(m.open) > 0 && m.open[len(m.open)-1] != e.steps[i].parent {
			m.close()
		}
		m.step(&e.steps[i])
	}
	for len(m.open) > 0 {
		m.close()
	}
	return m.b.String() + m.edges.String()
}

// mermaid draws an explanation.
type mermaid struct {
	*Explanation
	b, edges strings.Builder
	open     []int // subgraphs
}

func (m *mermaid) indent() { m.b.WriteString(strings.Repeat("  ", min(len(m.open), maxIndent)+1)) }

func (m *mermaid) step(s *explained) {
	label := strings.TrimSpace(escape(s.name) + "<br/>" + escape(s.describe()))
	if s.wire {
		label = s.kind
	}
	for _, said := range m.options(s) {
		label += "<br/>" + escape(said)
	}
	m.indent()
	switch {
	case s.box() && s.parts:
		fmt.Fprintf(&m.b, "n%d[[\"%s\"]]\n", s.id, label)
	case s.box() && s.wire:
		fmt.Fprintf(&m.b, "n%d([\"%s\"])\n", s.id, label)
	case s.box():
		fmt.Fprintf(&m.b, "n%d[\"%s\"]\n", s.id, label)
	default:
		fmt.Fprintf(&m.b, "subgraph n%d [\"%s\"]\n", s.id, label)
		m.open = append(m.open, s.id)
		m.ends(s)
	}
	for _, id := range s.inputs {
		fmt.Fprintf(&m.edges, "  %s --> %s\n", m.exit(id, s.parent), m.enter(s))
	}
	if s.role != "" {
		fmt.Fprintf(&m.edges, "  %s --> n%do\n", m.exit(s.id, -1), s.parent)
	}
}

// ends draws where values come into a subgraph and go out of it.
func (m *mermaid) ends(s *explained) {
	in, out := `(["input"])`, `(["output"])`
	kind := s.kind
	if s.of != "" {
		in, out, kind = `(["each item"])`, `(["results"])`, s.of
	}
	switch kind {
	case "branch":
		in = `{"choose"}`
	case "loop":
		out = `{"until"}`
		fmt.Fprintf(&m.edges, "  n%do -.-> n%di\n", s.id, s.id)
	}
	m.indent()
	fmt.Fprintf(&m.b, "n%di%s\n", s.id, in)
	m.indent()
	fmt.Fprintf(&m.b, "n%do%s\n", s.id, out)
	if s.result >= 0 {
		fmt.Fprintf(&m.edges, "  %s --> n%do\n", m.exit(s.result, s.id), s.id)
	}
}

func (m *mermaid) close() {
	m.open = m.open[:len(m.open)-1]
	m.indent()
	m.b.WriteString("end\n")
}

// box reports whether a step is drawn without what is inside.
func (s *explained) box() bool { return !s.parts || s.same >= 0 || s.cut }

// enter returns the box at which a step's inputs arrive.
func (m *mermaid) enter(s *explained) string {
	if s.box() {
		return "n" + strconv.Itoa(s.id)
	}
	return fmt.Sprintf("n%di", s.id)
}

// exit returns the box from which a value comes that is used inside parent.
func (m *mermaid) exit(id, parent int) string {
	switch s := &m.steps[id]; {
	case id == parent:
		return fmt.Sprintf("n%di", id)
	case s.box():
		return "n" + strconv.Itoa(id)
	default:
		return fmt.Sprintf("n%do", id)
	}
}

// escape returns text for a quoted label. Mermaid knows characters by number,
// as in #35; and takes everything else as Markdown and HTML.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .,-_()/…→", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return lists.Replace(b.String())
}

// lists keeps Mermaid from seeing a list in a label that begins like one.
var lists = strings.NewReplacer(". ", "#46; ", "- ", "#45; ")
