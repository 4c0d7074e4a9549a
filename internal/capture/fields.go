package capture

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// field is one that a struct has in JSON.
type field struct {
	name      string // in JSON
	goName    string
	index     []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
	quoted    bool // by the option "string"
}

var structs sync.Map // reflect.Type -> []field

func (e *encoder) fields(v reflect.Value, depth int) {
	e.raw("{")
	first := true
	for _, f := range fieldsOf(v.Type()) {
		if e.full() {
			return
		}
		x, ok := inside(v, f.index)
		if !ok || f.omitEmpty && empty(x) || f.omitZero && x.IsZero() {
			continue
		}
		if !first {
			e.raw(",")
		}
		first = false
		e.quote(f.name, true)
		e.raw(":")
		e.under(e.r != nil && (e.r.Key(f.name) || f.goName != f.name && e.r.Key(f.goName)), func() {
			if f.quoted {
				e.inQuotes(x, depth-1)
				return
			}
			e.value(x, depth-1)
		})
	}
	e.raw("}")
}

// inQuotes writes a number or a bool as a string.
func (e *encoder) inQuotes(v reflect.Value, depth int) {
	if v.Kind() == reflect.Pointer && !v.IsNil() { // the option looks through one
		v = v.Elem()
	}
	if m := methodOf(v.Type()); m.how != none || v.Kind() == reflect.String || !flat(v.Kind()) {
		e.value(v, depth)
		return
	}
	inner := encoder{limit: maxLimit, r: e.r}
	inner.leaf(v, v.Type())
	e.quote(strings.Trim(string(inner.buf), `"`), true)
}

func flat(k reflect.Kind) bool { return k >= reflect.Bool && k <= reflect.Float64 }

// inside returns the field of v at an index, and false if there is a nil pointer
// on the way.
func inside(v reflect.Value, index []int) (reflect.Value, bool) {
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, true
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

// fieldsOf returns the fields that encoding/json sees in a struct: those of
// embedded structs too, where of one name the least deep is taken, and among
// these the one that is named by a tag.
func fieldsOf(t reflect.Type) []field {
	if list, ok := structs.Load(t); ok {
		return list.([]field) //nolint:forcetypeassert // nothing else is stored
	}
	var all []field
	type level struct {
		t     reflect.Type
		index []int
	}
	seen := map[reflect.Type]bool{}
	for now := []level{{t, nil}}; len(now) > 0; {
		var next []level
		visited := map[reflect.Type]bool{}
		for _, l := range now {
			if seen[l.t] {
				continue
			}
			visited[l.t] = true
			for f := range l.t.Fields() {
				index := append(slices.Clone(l.index), f.Index...)
				name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				if f.Tag.Get("json") == "-" {
					continue
				}
				if !validName(name) {
					name = ""
				}
				if s, ok := embedded(f); f.Anonymous && ok && name == "" {
					next = append(next, level{s, index})
					continue
				}
				if !f.IsExported() {
					continue
				}
				all = append(all, fieldOf(f, name, options, index))
			}
		}
		for t := range visited {
			seen[t] = true
		}
		now = next
	}
	list := dominant(all)
	structs.Store(t, list)
	return list
}

// embedded returns the struct that an embedded field is or points to.
func embedded(f reflect.StructField) (reflect.Type, bool) {
	t := f.Type
	if t.Name() == "" && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, t.Kind() == reflect.Struct
}

func fieldOf(f reflect.StructField, name, options string, index []int) field {
	has := func(option string) bool { return slices.Contains(strings.Split(options, ","), option) }
	x := field{
		name: name, goName: f.Name, index: index, tagged: name != "",
		omitEmpty: has("omitempty"), omitZero: has("omitzero"), quoted: has("string"),
	}
	if name == "" {
		x.name = f.Name
	}
	return x
}

// dominant leaves one field of each name, or none if two have the same claim.
func dominant(all []field) (list []field) {
	best := map[string]int{} // name -> index in list, of those that stand
	claims := map[string]int{}
	better := func(a, b field) bool {
		if len(a.index) != len(b.index) {
			return len(a.index) < len(b.index)
		}
		return a.tagged && !b.tagged
	}
	for i, f := range all {
		was, ok := best[f.name]
		switch {
		case !ok || better(f, all[was]):
			best[f.name], claims[f.name] = i, 1
		case !better(all[was], f):
			claims[f.name]++
		}
	}
	for i, f := range all {
		if best[f.name] == i && claims[f.name] == 1 {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return list
}

// validName reports whether encoding/json takes a name from a tag.
func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
