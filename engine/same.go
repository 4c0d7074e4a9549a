package engine

import (
	"encoding"
	"encoding/json"
	"reflect"
	"time"
)

var ownForms = []reflect.Type{
	reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
	reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
}

// hasOwnForm reports whether a type, or a pointer to it, has methods that decide
// its JSON form, in one direction at least.
func hasOwnForm(t reflect.Type) bool {
	for _, form := range ownForms {
		if t.Implements(form) || reflect.PointerTo(t).Implements(form) {
			return t.Kind() != reflect.Interface
		}
	}
	return false
}

// tooDeepValue reports whether v is nested deeper than that, or in itself.
func tooDeepValue(v reflect.Value, depth int) bool {
	if depth == 0 {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && tooDeepValue(v.Elem(), depth-1)
	case reflect.Struct:
		for _, field := range v.Fields() {
			if tooDeepValue(field, depth-1) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if flat(v.Type().Elem()) {
			return false
		}
		for i := range v.Len() {
			if tooDeepValue(v.Index(i), depth-1) {
				return true
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if tooDeepValue(iter.Value(), depth-1) {
				return true
			}
		}
	default:
	}
	return false
}

// flat reports whether values of a type have nothing inside.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		return false
	default:
		return true
	}
}

var timeType = reflect.TypeFor[time.Time]()

// same reports whether two values of one type are the same to a program. It is
// reflect.DeepEqual, except for times: what their monotonic clocks say does not
// count, and their locations do.
func same(a, b reflect.Value, depth int) bool {
	if depth == 0 || a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	if a.Type() == timeType && a.CanInterface() && b.CanInterface() {
		return sameTime(a.Interface().(time.Time), b.Interface().(time.Time)) //nolint:forcetypeassert // just asked
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem(), depth-1))
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i), depth-1) {
				return false
			}
		}
		return true
	case reflect.Slice:
		return a.IsNil() == b.IsNil() && sameItems(a, b, depth)
	case reflect.Array:
		return sameItems(a, b, depth)
	case reflect.Map:
		return a.IsNil() == b.IsNil() && sameEntries(a, b, depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return a.IsZero() && b.IsZero()
	default:
		return a.Equal(b)
	}
}

func sameItems(a, b reflect.Value, depth int) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !same(a.Index(i), b.Index(i), depth-1) {
			return false
		}
	}
	return true
}

func sameEntries(a, b reflect.Value, depth int) bool {
	if a.Len() != b.Len() {
		return false
	}
	for iter := a.MapRange(); iter.Next(); {
		other := b.MapIndex(iter.Key())
		if !other.IsValid() || !same(iter.Value(), other, depth-1) {
			return false
		}
	}
	return true
}

func sameTime(a, b time.Time) bool {
	zoneA, offsetA := a.Zone()
	zoneB, offsetB := b.Zone()
	return a.Equal(b) && zoneA == zoneB && offsetA == offsetB && locationOf(a, zoneA) == locationOf(b, zoneB)
}

// locationOf returns the name of the location of t; where the local time is UTC,
// both are one.
func locationOf(t time.Time, zone string) string {
	if t.Location() == time.Local && zone == time.UTC.String() { //nolint:gosmopolitan // it is asked, not used
		return zone
	}
	return t.Location().String()
}
