package logs

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// escaper writes lines of slog's handlers and escapes in them what does not
// print: slog.JSONHandler leaves DEL, C1 controls and marks such as U+202E, which
// turns the direction of text, as they are, and slog.TextHandler leaves DEL.
// Outside of strings JSON is ASCII, so that the escape of strings is right
// wherever such a character stands, and what a reader decodes is the same.
//
// What prints is what strconv.Quote leaves alone, by which slog.TextHandler goes
// too.
type escaper struct{ to io.Writer }

// lines keeps the buffers in which lines are made anew.
var lines = sync.Pool{New: func() any { return new([]byte) }}

// maxKept is the most bytes of a buffer that is kept.
const maxKept = 64 << 10

// Write implements io.Writer.
func (e *escaper) Write(p []byte) (int, error) {
	at := firstToEscape(p)
	if at == len(p) {
		return e.to.Write(p)
	}
	buf := lines.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put
	line := appendEscaped(append((*buf)[:0], p[:at]...), p[at:])
	_, err := e.to.Write(line)
	if cap(line) <= maxKept {
		*buf = line
		lines.Put(buf)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// firstToEscape returns where the first character that does not print is.
func firstToEscape(p []byte) int {
	i := 0
	for ; i+8 <= len(p); i += 8 { // eight bytes at once, while all are below DEL
		const ones, tops = 0x0101010101010101, 0x8080808080808080
		if w := binary.NativeEndian.Uint64(p[i:]); (w|(w+ones))&tops != 0 {
			break
		}
	}
	for i < len(p) {
		if p[i] < 0x7f { // below a space there are only the ends of lines
			i++
			continue
		}
		r, size := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			return i
		}
		i += size
	}
	return len(p)
}

func appendEscaped(line, p []byte) []byte {
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		switch {
		case r == '\n' || r != utf8.RuneError && strconv.IsPrint(r):
			line = append(line, p[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			line = fmt.Appendf(line, `\u%04x\u%04x`, high, low)
		default:
			line = fmt.Appendf(line, `\u%04x`, r)
		}
		p = p[size:]
	}
	return line
}
