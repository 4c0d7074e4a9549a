package engine

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Values leave a run, for the cache and the run store, as JSON. Only those may
// leave that come back as they were: a stored result must not differ from one
// that is computed.

// encodeValue returns v, which has the static type t, as JSON, or says why it
// would not come back as it is.
func encodeValue(v any, t reflect.Type) (json.RawMessage, error) {
	kept := keeping(t)
	if kept.problem != "" {
		return nil, errors.New(kept.problem)
	}
	data, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be encoded: %w", t, sound(err))
	case bytes.Contains(data, []byte(`\ufffd`)):
		return nil, fmt.Errorf("a string in %s is not valid UTF-8", t)
	case kept.dynamic && !comesBack(v, t, data):
		return nil, fmt.Errorf("what an interface in %s holds would come back from JSON as something else", t)
	default:
		return data, nil
	}
}

// comesBack reports whether data decodes to what it was made from.
func comesBack(v any, t reflect.Type, data []byte) bool {
	back := reflect.New(t)
	if json.Unmarshal(data, back.Interface()) != nil {
		return false
	}
	was := reflect.New(t).Elem()
	if v != nil {
		was.Set(reflect.ValueOf(v))
	}
	return reflect.DeepEqual(was.Interface(), back.Elem().Interface())
}

// kept is what is known of a type.
type kept struct {
	problem string // why its values cannot be kept
	dynamic bool   // it depends on what its interfaces hold
}

var keptTypes sync.Map // reflect.Type -> kept

func keeping(t reflect.Type) kept {
	if k, ok := keptTypes.Load(t); ok {
		return k.(kept) //nolint:forcetypeassert // nothing else is stored
	}
	var k kept
	k.examine(t, map[reflect.Type]bool{})
	keptTypes.Store(t, k)
	return k
}

func (k *kept) examine(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] || k.problem != "" {
		return
	}
	seen[t] = true
	if encodesItself(t) {
		k.promoted(t)
		return
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		k.sayf("%s has no JSON form", t)
	case reflect.Interface:
		k.dynamic = true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		k.examine(t.Elem(), seen)
	case reflect.Struct:
		names := map[string]bool{}
		for f := range t.Fields() {
			k.field(t, f, names, seen)
		}
	default:
	}
}

// promoted finds a JSON form that is that of an embedded field only.
func (k *kept) promoted(t reflect.Type) {
	if t.Kind() != reflect.Struct || t.NumField() < 2 {
		return
	}
	for f := range t.Fields() {
		if f.Anonymous && encodesItself(f.Type) {
			k.sayf("%s may have the JSON form of its embedded %s, without its other fields", t, f.Name)
		}
	}
}

func (k *kept) field(t reflect.Type, f reflect.StructField, names map[string]bool, seen map[reflect.Type]bool) {
	embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
	tag := f.Tag.Get("json")
	name, options, _ := strings.Cut(tag, ",")
	if strings.Contains(options, "omit") {
		k.dynamic = true // empty and nil may look the same
	}
	if name == "" {
		name = f.Name
	}
	fold := strings.ToLower(name)
	switch {
	case !f.IsExported() && !embedded:
		k.sayf("%s has the unexported field %s, which JSON leaves out", t, f.Name)
	case tag == "-":
		k.sayf("%s has the field %s, which its tag leaves out of JSON", t, f.Name)
	case names[fold]:
		k.sayf("%s has two fields with the JSON name %q", t, name)
	default:
		k.examine(f.Type, seen)
	}
	names[fold] = true
	if embedded && f.Tag.Get("json") == "" {
		for inner := range f.Type.Fields() {
			k.shadowed(t, inner, names)
		}
	}
}

// shadowed finds a field of an embedded struct that JSON leaves out for another
// of the same name.
func (k *kept) shadowed(t reflect.Type, f reflect.StructField, names map[string]bool) {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		name = f.Name
	}
	if fold := strings.ToLower(name); names[fold] {
		k.sayf("%s has two fields with the JSON name %q", t, name)
	} else {
		names[fold] = true
	}
}

func (k *kept) sayf(format string, args ...any) {
	if k.problem == "" {
		k.problem = fmt.Sprintf(format, args...)
	}
}

var (
	jsonIn  = reflect.TypeFor[json.Unmarshaler]()
	jsonOut = reflect.TypeFor[json.Marshaler]()
	textIn  = reflect.TypeFor[encoding.TextUnmarshaler]()
	textOut = reflect.TypeFor[encoding.TextMarshaler]()
)

// encodesItself reports whether a type has its own JSON form, both ways.
func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(jsonOut) && p.Implements(jsonIn) || t.Implements(textOut) && p.Implements(textIn)
}
