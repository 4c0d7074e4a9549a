package logs

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxMessage is the most characters of an error's text in a record.
	maxMessage = 256
	// maxStack is the most characters of a stack: about 60 frames.
	maxStack = 8 << 10
)

// valid makes s valid UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// shorten cuts s to at most limit characters, the last of which are then "...".
func shorten(s string, limit int) string {
	if len(s) > limit*utf8.UTFMax { // it is longer whatever it holds
		s = s[:limit*utf8.UTFMax+1]
	}
	s = valid(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	const dots = "..."
	at := 0
	for range limit - len(dots) {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return s[:at] + dots
}
