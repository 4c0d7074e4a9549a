package console

import (
	"strings"
)

const (
	defaultWidth = 80
	// minName is how many columns a name has in any case.
	minName = 12
	gap     = "  "
)

// The only escape sequences of the output.
const (
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	reset = "\x1b[0m"
)

// layout makes lines.
type layout struct {
	width    int
	terminal bool // else names are not cut to the width, so that a file has them whole
	color    bool
}

// line is one fact. All texts are clean.
type line struct {
	level    int
	name     string
	tail     string // of the name, never cut: it tells siblings apart
	duration string
	word     string // how it ended
	color    string // of the word
	details  []string
	faint    bool // of no weight, as a whole
}

// edge is the column at which durations end.
func (l layout) edge() int { return min(max(l.width*13/20, 24), 72) }

func (l layout) indent(level int) string {
	return strings.Repeat(" ", min(2*level, l.width/2))
}

func (l layout) paint(color, s string) string {
	if !l.color || color == "" || s == "" {
		return s
	}
	return color + s + reset
}

// title returns the name of n in a number of columns, which only a terminal has.
func (l layout) title(n line, room int) string {
	name := n.name
	if l.terminal {
		name = l.cut(name, max(room-len(n.tail), 1))
	}
	return name + n.tail
}

// end returns the line of a step that has ended.
func (l layout) end(n line) string {
	indent := l.indent(n.level)
	room := max(l.edge()-len(n.duration)-len(gap)-len(indent), minName)
	name := l.title(n, room)
	var b strings.Builder
	b.WriteString(indent)
	b.WriteString(name)
	pad := l.edge() - len(indent) - columns(name) - len(n.duration)
	if n.duration == "" {
		pad = max(pad, 0)
	} else {
		pad = max(pad, len(gap))
	}
	b.WriteString(strings.Repeat(" ", pad))
	b.WriteString(l.paint(dim, n.duration))
	b.WriteString(gap)
	b.WriteString(l.paint(n.color, n.word))
	for _, d := range n.details {
		b.WriteString(gap)
		b.WriteString(d)
	}
	if n.faint {
		return indent + l.paint(dim, b.String()[len(indent):]) + "\n"
	}
	b.WriteByte('\n')
	return b.String()
}

// header returns the line before the steps inside a step.
func (l layout) header(n line) string {
	indent := l.indent(n.level)
	name := l.title(n, max(l.width-len(indent), minName))
	var b strings.Builder
	b.WriteString(indent)
	b.WriteString(name)
	for _, d := range n.details {
		b.WriteString(gap)
		b.WriteString(l.paint(dim, d))
	}
	b.WriteByte('\n')
	return b.String()
}

// note returns a line that is not about one step.
func (l layout) note(level int, text string) string {
	return l.indent(level) + "... " + text + "\n"
}
