package capture

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// text writes a string; if cut is true, s is only its beginning.
func (e *encoder) text(s string, cut bool) {
	if e.full() {
		return
	}
	all := !cut
	if e.r != nil {
		s, all = e.redacted(s, cut)
	}
	e.quote(s, all)
}

// redacted returns as much of a text as can be shown, and whether that is all.
func (e *encoder) redacted(s string, cut bool) (shown string, all bool) {
	if w := e.r.Window(e.left()); len(s) > w {
		s, cut = s[:w], true
	}
	return e.r.Text(s, e.left(), cut)
}

// quote writes s as a JSON string, which is left open if s is not all of it.
func (e *encoder) quote(s string, all bool) {
	if e.full() {
		return
	}
	e.buf = append(e.buf, '"')
	for len(s) > 0 && !e.full() {
		chunk := s[:min(len(s), e.left())]
		n := plain(chunk, e.html)
		e.buf = append(e.buf, s[:n]...)
		if n < len(chunk) {
			n += e.escape(s[n:])
		}
		s = s[n:]
	}
	if all {
		e.raw(`"`)
	} else {
		e.cut = true
	}
}

// plain returns the length of what s begins with and needs no escape.
func plain(s string, html bool) int {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf || html && isHTML(rune(c)) {
			return i
		}
	}
	return len(s)
}

func isHTML(r rune) bool { return r == '<' || r == '>' || r == '&' }

// escape writes the first rune of s as it stands in JSON, and returns its length
// in s.
func (e *encoder) escape(s string) int {
	const hex = "0123456789abcdef"
	r, n := utf8.DecodeRuneInString(s)
	switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
	case r == utf8.RuneError && n == 1:
		e.buf = append(e.buf, `\ufffd`...)
	case i >= 0 && r != utf8.RuneError:
		e.buf = append(e.buf, '\\', `"\bfnrt`[i])
	case r < ' ', isHTML(r), r == '\u2028', r == '\u2029':
		e.buf = append(e.buf, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	default:
		e.buf = append(e.buf, s[:n]...)
	}
	return n
}

// scalar writes the text of a number or a bool; as a string, if something in it
// is left out.
func (e *encoder) scalar(s []byte) {
	const least = 4 // shorter ones are no secrets
	if e.r != nil && len(s) >= least {
		if shown, all := e.redacted(string(s), false); !all || shown != string(s) {
			e.quote(shown, all)
			return
		}
	}
	e.buf = append(e.buf, s...)
}

// bytes writes the base64 form of data.
func (e *encoder) bytes(data []byte) {
	if e.full() {
		return
	}
	all := true
	if e.r != nil {
		w := min(e.r.Window(e.left()), len(data))
		shown, whole := e.r.Text(string(data[:w]), e.left(), w < len(data))
		data, all = []byte(shown), whole
	}
	if n := e.left()/4*3 + 3; len(data) > n {
		data, all = data[:n], false
	}
	if !all {
		data = data[:len(data)/3*3] // no padding in the middle
	}
	e.buf = append(e.buf, '"')
	e.buf = base64.StdEncoding.AppendEncode(e.buf, data)
	if all {
		e.raw(`"`)
	} else {
		e.cut = true
	}
}
