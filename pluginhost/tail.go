package pluginhost

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	tailLines = 50
	tailWidth = 512
)

// tail keeps the last lines that a process wrote.
type tail struct {
	redact func(string) string // nil for none
	told   func(line string)   // gets each line as it is kept; nil for nobody

	mu    sync.Mutex
	lines []string
	part  []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range p {
		if c == '\n' {
			t.line()
		} else if len(t.part) < 2*tailWidth { // more than is kept, not to cut what is redacted
			t.part = append(t.part, c)
		}
	}
	return len(p), nil
}

func (t *tail) line() {
	if len(t.lines) == tailLines {
		copy(t.lines, t.lines[1:])
		t.lines = t.lines[:tailLines-1]
	}
	line := t.shown()
	t.lines = append(t.lines, line)
	t.part = t.part[:0]
	if t.told != nil {
		t.told(line)
	}
}

// Lines returns the lines, oldest first.
func (t *tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines...)
	if len(t.part) > 0 {
		lines = append(lines, t.shown())
	}
	return lines
}

// shown returns the line under way as it is kept.
func (t *tail) shown() string {
	s := strings.TrimRight(string(t.part), "\r")
	if t.redact != nil {
		s = t.redact(s)
	}
	return clip(escape(s), tailWidth)
}

// maxText bounds each text of others in an error or a line, in bytes.
const maxText = 1 << 10

// clip shortens s to at most limit bytes, at a rune.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const dots = "…"
	end := limit - len(dots)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + dots
}

// clean makes a text of somebody else one that can be shown: without values of
// the environment, without anything that a terminal might obey, and not long.
func clean(s string, redact func(string) string) string {
	s = s[:min(len(s), 64*maxText)]
	if redact != nil {
		s = redact(s)
	}
	return clip(escape(s), maxText)
}

// escape makes everything visible that a terminal might obey or a reader
// overlook, and s one line. What it returns it leaves alone the next time.
func escape(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hidden(r):
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether r is a control character, a mark of direction, an end of
// a line or the like.
func hidden(r rune) bool { return !unicode.IsGraphic(r) }
