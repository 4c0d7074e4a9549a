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
		return
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		k.problem = fmt.Sprintf("%s has no JSON form", t)
	case reflect.Interface:
		k.dynamic = true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		k.examine(t.Elem(), seen)
	case reflect.Map:
		k.examine(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			k.field(t, t.Field(i), seen)
		}
	default:
	}
}

func (k *kept) field(t reflect.Type, f reflect.StructField, seen map[reflect.Type]bool) {
	embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case !f.IsExported() && !embedded:
		k.say("%s has the unexported field %s, which JSON leaves out", t, f.Name)
	case name == "-" && f.Tag.Get("json") == "-":
		k.say("%s has the field %s, which its tag leaves out of JSON", t, f.Name)
	default:
		k.examine(f.Type, seen)
	}
}

func (k *kept) say(format string, args ...any) {
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
