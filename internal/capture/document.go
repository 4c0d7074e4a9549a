package capture

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// document writes the JSON that a method of a t returned, with what must not be
// shown left out.
func (e *encoder) document(data []byte, t reflect.Type) {
	const most = 64 << 10
	d := document{encoder: e, data: data}
	if n := 16*e.left() + most; len(data) > n {
		d.data, d.part = data[:n], true
	}
	begin := len(e.buf)
	if d.value(maxDepth) && d.end() || e.full() {
		return
	}
	if d.part && d.at >= len(d.data) {
		e.cut = true
		return
	}
	e.buf = e.buf[:begin]
	e.bad(t)
}

// document reads JSON. Its methods return false where the text is none, where it
// ends too early, and where nothing more can be shown.
type document struct {
	*encoder

	data []byte
	at   int
	part bool // there is more than data
}

func (d *document) space() {
	for d.at < len(d.data) && strings.IndexByte(" \t\r\n", d.data[d.at]) >= 0 {
		d.at++
	}
}

// take reads c, after spaces.
func (d *document) take(c byte) bool {
	d.space()
	if d.at < len(d.data) && d.data[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *document) end() bool {
	d.space()
	return d.at == len(d.data) && !d.part
}

func (d *document) value(depth int) bool {
	if d.full() || depth == 0 {
		return false
	}
	switch {
	case d.take('{'):
		return d.list('}', func() bool { return d.entry(depth) })
	case d.take('['):
		return d.list(']', func() bool { return d.value(depth - 1) })
	case d.take('"'):
		s, whole, ok := d.text()
		if ok {
			d.encoder.text(s, !whole)
		}
		return ok && whole
	default:
		begin := d.at
		d.word()
		word := d.data[begin:d.at]
		if len(word) == 0 || d.part && d.at == len(d.data) || !json.Valid(word) {
			return false
		}
		d.scalar(word)
		return true
	}
}

// list reads and writes what stands in brackets, of which the first is read.
func (d *document) list(end byte, item func() bool) bool {
	d.raw(string(end - 2)) // in ASCII, { and [ are two before } and ]
	for n := 0; !d.take(end); n++ {
		if n > 0 {
			if !d.take(',') {
				return false
			}
			d.raw(",")
		}
		if !item() {
			return false
		}
	}
	d.raw(string(end))
	return true
}

func (d *document) entry(depth int) bool {
	if d.full() || !d.take('"') {
		return false
	}
	key, whole, ok := d.text()
	if !ok {
		return false
	}
	d.encoder.text(key, !whole)
	if !whole || !d.take(':') {
		return false
	}
	d.raw(":")
	if d.r == nil || !d.r.Key(key) {
		return d.value(depth - 1)
	}
	d.quote(Mark, true)
	return d.skip()
}

// text reads a string, of which the first quote is read, or its beginning.
func (d *document) text() (s string, whole, ok bool) {
	begin := d.at
	whole = d.pass()
	inner := d.data[begin:d.at]
	if !whole {
		if !d.part {
			return "", false, false
		}
		const longest = len(`\ud83d\ude00`)
		last := max(len(inner)-longest, 0)
		if i := bytes.IndexByte(inner[last:], '\\'); i >= 0 {
			inner = inner[:last+i] // it may be half an escape
		}
		for n := 0; n < longest && len(inner) > 0 && inner[len(inner)-1] == '\\'; n++ {
			inner = inner[:len(inner)-1]
		}
	} else {
		inner = inner[:len(inner)-1]
	}
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), whole, true
	}
	quoted := append(append([]byte{'"'}, inner...), '"')
	err := json.Unmarshal(quoted, &s)
	return s, whole, err == nil
}

// pass reads to behind the quote that ends a string.
func (d *document) pass() bool {
	for ; d.at < len(d.data); d.at++ {
		switch d.data[d.at] {
		case '\\':
			d.at++
		case '"':
			d.at++
			return true
		}
	}
	d.at = len(d.data)
	return false
}

// word reads a number, a bool or null.
func (d *document) word() {
	for d.at < len(d.data) && strings.IndexByte(" \t\r\n,]}:", d.data[d.at]) < 0 {
		d.at++
	}
}

// skip reads a value and writes nothing.
func (d *document) skip() bool {
	for open := 0; ; {
		switch {
		case d.take('{'), d.take('['):
			open++
		case d.take('}'), d.take(']'):
			open--
		case d.take('"'):
			if !d.pass() {
				return false
			}
		case open > 0 && (d.take(',') || d.take(':')):
		default:
			begin := d.at
			d.word()
			if d.at == begin {
				return false
			}
		}
		if open <= 0 {
			return open == 0
		}
	}
}
