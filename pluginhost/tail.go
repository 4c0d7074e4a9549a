package pluginhost

import (
	"strconv"
	"strings"
	"sync"
	"unicode"
)

const (
	tailLines = 50
	tailWidth = 512
)

// tail keeps the last lines that a process wrote.
type tail struct {
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
		} else if len(t.part) < tailWidth {
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
	t.lines = append(t.lines, escape(strings.TrimRight(string(t.part), "\r")))
	t.part = t.part[:0]
}

// Lines returns the lines, oldest first.
func (t *tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines...)
	if len(t.part) > 0 {
		lines = append(lines, escape(string(t.part)))
	}
	return lines
}

// escape makes everything visible that a terminal might obey, and s one line.
func escape(s string) string {
	plain := true
	for _, r := range s {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	q := strconv.QuoteToGraphic(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
