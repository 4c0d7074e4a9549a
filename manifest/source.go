package manifest

import (
	"fmt"
	"unicode/utf8"
)

const (
	maxBytes = 1 << 20
	// maxItems bounds lines plus commas. Nodes cost two hundred times their
	// text, so the size alone does not keep memory and time small.
	maxItems = 20_000
	// maxDepth is far above any real manifest and far below any stack.
	maxDepth = 64
)

// checkSource refuses bytes that YAML does not allow, with a place: the YAML
// library gives none for them.
func checkSource(data []byte) (line, column int, message string) {
	if len(data) > maxBytes {
		return 1, 1, tooLarge
	}
	line, column = 1, 1
	items := 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return line, column, "not UTF-8; save the file as UTF-8"
		case r == 0:
			return line, column, "NUL byte; a manifest is text"
		case !allowed(r) && (i > 0 || r != '\uFEFF'):
			return line, column, fmt.Sprintf("control character %U; remove it", r)
		}
		i += size
		if r != '\uFEFF' {
			column++
		}
		if r == ',' {
			items++
		}
		// \r\n is one break; the others are the breaks of YAML 1.1.
		if r == '\n' || r == '\r' && (i >= len(data) || data[i] != '\n') || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			line, column = line+1, 1
			items++
		}
		if items > maxItems {
			return line, column, fmt.Sprintf("more than %d lines and list items; a manifest is smaller", maxItems)
		}
	}
	return 0, 0, ""
}

// allowed is the reader rule of the YAML library: a byte order mark is legal
// only as the first character.
func allowed(r rune) bool {
	switch r {
	case '\t', '\n', '\r', '\u0085':
		return true
	case '\uFEFF':
		return false
	}
	return r >= 0x20 && r <= 0x7E || r >= 0xA0 && r <= 0xFFFD || r >= 0x10000
}

const tooLarge = "larger than 1 MiB; a manifest is smaller"
