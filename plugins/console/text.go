package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

const (
	// maxText is the most columns of a name or a message.
	maxText = 256
	// maxBytes is the most bytes that are looked at to make them.
	maxBytes = 4 * maxText
	// joiner keeps the parts of some symbols together, and is harmless.
	joiner = '\u200d'
)

// clean returns s as text that can do nothing to a terminal: what is not
// printable is written as an escape such as \x1b or \u202e.
func (l layout) clean(s string) string {
	if len(s) > maxBytes {
		cut := maxBytes
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + l.dots()
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r), r == joiner:
			b.WriteRune(r)
		case unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return l.cut(b.String(), maxText)
}

// message returns an error's text as one line of clean text.
func (l layout) message(s string) string {
	if len(s) > maxBytes {
		s = s[:maxBytes] // clean mends a rune that is cut
	}
	var parts []string
	for p := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, strings.ReplaceAll(p, "\t", " "))
		}
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			if !strings.HasSuffix(parts[i-1], ":") {
				b.WriteByte(';')
			}
			b.WriteByte(' ')
		}
		b.WriteString(p)
	}
	return l.clean(b.String())
}

// cut cuts clean text to a number of columns.
func (l layout) cut(s string, columns int) string { return ansi.Truncate(s, columns, l.dots()) }

func (l layout) dots() string {
	if l.terminal {
		return "…"
	}
	return "..."
}

// columns returns the width of clean text.
func columns(s string) int { return ansi.StringWidth(s) }
