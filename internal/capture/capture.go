package capture

import (
	"reflect"
	"time"
	"unicode/utf8"
)

// Redactor says what must not be shown.
type Redactor interface {
	// Key reports whether what stands under a key is left out.
	Key(name string) bool
	// Window returns how much of a text Text needs to see to return n bytes, in
	// bytes.
	Window(n int) int
	// Text returns a text without what must not be shown: all of it, or less than
	// all and then false, where n bytes are enough. If cut is true, s is only the
	// beginning of the text.
	Text(s string, n int, cut bool) (shown string, all bool)
}

// Mark stands for what is left out.
const Mark = "[redacted]"

const (
	maxLimit   = 1 << 30
	maxDepth   = 1000
	methodTime = 10 * time.Millisecond
	dots       = "..."
)

// JSON returns values as JSON of at most limit bytes: one as it is, several as an
// array, none as "". Longer text is cut at a rune and ends with "...". A value
// that cannot be encoded is "<unserializable: T>". With a nil Redactor nothing is
// left out.
func JSON(limit int, r Redactor, values ...any) string {
	e := encoder{limit: min(max(limit, 0), maxLimit), r: r, html: r == nil}
	switch len(values) {
	case 0:
	case 1:
		e.value(reflect.ValueOf(values[0]), maxDepth)
	default:
		e.raw("[")
		for i, v := range values {
			if i > 0 {
				e.raw(",")
			}
			e.value(reflect.ValueOf(v), maxDepth)
		}
		e.raw("]")
	}
	return e.result()
}

// encoder holds the text so far. It may get longer than the limit by what is
// written at once.
type encoder struct {
	buf   []byte
	limit int
	cut   bool // the text ends here, though the values do not
	r     Redactor
	html  bool          // escape what matters in HTML
	spent time.Duration // in methods
}

// full reports whether nothing more can be shown.
func (e *encoder) full() bool { return e.cut || len(e.buf) > e.limit }

// left returns how many bytes more are worth writing, the one that shows that
// there are too many among them.
func (e *encoder) left() int { return e.limit - len(e.buf) + 1 }

func (e *encoder) raw(s string) {
	if !e.full() {
		e.buf = append(e.buf, s...)
	}
}

func (e *encoder) result() string {
	if !e.full() {
		return string(e.buf)
	}
	end := min(len(e.buf), max(e.limit-len(dots), 0))
	for end > 0 && end < len(e.buf) && !utf8.RuneStart(e.buf[end]) {
		end--
	}
	return string(append(e.buf[:end], dots[:min(e.limit, len(dots))]...))
}

// bad writes what stands for a value that has no JSON form.
func (e *encoder) bad(t reflect.Type) {
	s := "<unserializable: " + t.String() + ">"
	if len(e.buf) == 0 {
		e.raw(s)
		return
	}
	defer func(was bool) { e.html = was }(e.html)
	e.html = false
	e.quote(s, true)
}
