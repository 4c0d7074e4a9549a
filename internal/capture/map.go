package capture

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
)

// manyEntries is the number of entries up to which those of a map are all looked
// at, to show the first ones.
const manyEntries = 256

// shortestEntry is the number of bytes that an entry has at least, as "":0 and a
// comma.
const shortestEntry = 5

type entry struct {
	key   string
	value reflect.Value
}

// entries writes a map, sorted by its keys as far as they can be shown.
func (e *encoder) entries(v reflect.Value, depth int) {
	if v.IsNil() {
		e.raw("null")
		return
	}
	if !isKey(v.Type().Key()) {
		e.bad(v.Type())
		return
	}
	n := min(v.Len(), max(manyEntries, e.left()/shortestEntry+1))
	list := make([]entry, 0, n)
	for iter := v.MapRange(); len(list) < n && iter.Next(); {
		key, ok := e.key(iter.Key())
		if !ok {
			e.bad(v.Type())
			return
		}
		list = append(list, entry{key, iter.Value()})
	}
	most := e.left()
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Compare(a.key[:min(len(a.key), most)], b.key[:min(len(b.key), most)])
	})
	e.raw("{")
	for i, x := range list {
		if e.full() {
			return
		}
		if i > 0 {
			e.raw(",")
		}
		e.text(x.key, false)
		e.raw(":")
		e.under(e.r != nil && e.r.Key(x.key), func() { e.value(x.value, depth-1) })
	}
	if len(list) < v.Len() {
		e.cut = true
		return
	}
	e.raw("}")
}

// isKey reports whether encoding/json takes a type for the keys of a map.
func isKey(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	default:
		return methodOf(t).text != none
	}
}

func (e *encoder) key(v reflect.Value) (string, bool) {
	if m := methodOf(v.Type()); m.text != none {
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return "", true
		}
		data, ok := e.call(v, m.text)
		return string(data[:min(len(data), e.window())]), ok
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String(), true
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), true
	default:
		return strconv.FormatUint(v.Uint(), 10), true
	}
}

// window returns how much of a text can matter.
func (e *encoder) window() int {
	if e.r == nil {
		return e.left()
	}
	return e.r.Window(e.left()) + 1
}
