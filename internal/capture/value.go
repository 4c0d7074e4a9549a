package capture

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

var numberType = reflect.TypeFor[json.Number]()

// value writes v, which may be nested as deep as that.
func (e *encoder) value(v reflect.Value, depth int) {
	if e.full() {
		return
	}
	if !v.IsValid() {
		e.raw("null")
		return
	}
	t := v.Type()
	if depth == 0 {
		e.bad(t)
		return
	}
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		e.raw("null")
		return
	}
	if m := methodOf(t); m.how != none {
		e.method(v, m)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		e.value(v.Elem(), depth-1)
	case reflect.Struct:
		e.fields(v, depth)
	case reflect.Map:
		e.entries(v, depth)
	case reflect.Slice:
		switch {
		case v.IsNil():
			e.raw("null")
		case t.Elem().Kind() == reflect.Uint8 && methodOf(t.Elem()).how == none:
			e.bytes(v.Bytes())
		default:
			e.items(v, depth)
		}
	case reflect.Array:
		e.items(v, depth)
	default:
		e.leaf(v, t)
	}
}

// leaf writes a value that has nothing inside.
func (e *encoder) leaf(v reflect.Value, t reflect.Type) {
	var small [32]byte
	switch v.Kind() {
	case reflect.Bool:
		e.buf = strconv.AppendBool(e.buf, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.scalar(strconv.AppendInt(small[:0], v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.scalar(strconv.AppendUint(small[:0], v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		e.float(v.Float(), t.Bits())
	case reflect.String:
		if t == numberType {
			e.number(v.String(), t)
			return
		}
		e.text(v.String(), false)
	default:
		e.bad(t)
	}
}

// number writes a json.Number, of which "" is 0.
func (e *encoder) number(s string, t reflect.Type) {
	const longest = 1 << 10
	switch {
	case s == "":
		e.raw("0")
	case len(s) > longest || strings.Trim(s, "+-.0123456789eE") != "" || !json.Valid([]byte(s)):
		e.bad(t)
	default:
		e.scalar([]byte(s))
	}
}

// float writes a number as ECMAScript does, which encoding/json follows.
func (e *encoder) float(f float64, bits int) {
	switch {
	case math.IsNaN(f):
		e.quote("NaN", true)
	case math.IsInf(f, 1):
		e.quote("Infinity", true)
	case math.IsInf(f, -1):
		e.quote("-Infinity", true)
	default:
		format := byte('f')
		if abs := math.Abs(f); abs != 0 && (bits == 64 && (abs < 1e-6 || abs >= 1e21) ||
			bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21)) {
			format = 'e'
		}
		s := strconv.AppendFloat(nil, f, format, -1, bits)
		if n := len(s); format == 'e' && n >= 4 && s[n-4] == 'e' && s[n-2] == '0' {
			s = append(s[:n-2], s[n-1]) // e-07 is e-7
		}
		e.scalar(s)
	}
}

func (e *encoder) items(v reflect.Value, depth int) {
	e.raw("[")
	for i := range v.Len() {
		if e.full() {
			return
		}
		if i > 0 {
			e.raw(",")
		}
		e.value(v.Index(i), depth-1)
	}
	e.raw("]")
}

// under writes what stands under a key, or the mark.
func (e *encoder) under(secret bool, write func()) {
	if secret {
		e.quote(Mark, true)
		return
	}
	write()
}
