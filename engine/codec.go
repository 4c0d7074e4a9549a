package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Values leave a run, for the cache and the run store, as JSON. Only those may
// leave that come back as they were: a stored result must not differ from one
// that is computed, and different inputs must not look the same. Most types are
// plain: of these it is known beforehand. The values of all others are decoded
// again and compared.

// encodeValue returns v, which has the static type t, as JSON, or says why it
// would not come back as it is.
func encodeValue(v any, t reflect.Type) (data json.RawMessage, err error) {
	s := formOf(t)
	if s.problem != "" {
		return nil, errors.New(s.problem)
	}
	was := reflect.New(t).Elem()
	if v != nil {
		was.Set(reflect.ValueOf(v))
	}
	if s.recursive && tooDeepValue(was, maxValueDepth) {
		return nil, fmt.Errorf("%s is nested more than %d deep", t, maxValueDepth)
	}
	err = protect(func() (err error) {
		data, err = json.Marshal(v)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be encoded: %w", t, sound(err))
	case replaced(data):
		return nil, fmt.Errorf("a string in %s is not valid UTF-8", t)
	case s.plain:
		return data, nil
	}
	back := reflect.New(t)
	if decodeValue(data, back.Interface()) != nil || !same(was, back.Elem(), maxValueDepth) {
		return nil, fmt.Errorf("the value of type %s would come back from JSON as something else", t)
	}
	return data, nil
}

// replaced reports whether encoding/json has replaced a byte that is not UTF-8:
// it writes that as an escape, and a rune of the text as it is.
func replaced(data []byte) bool {
	for rest := data; ; {
		i := bytes.Index(rest, []byte(`\ufffd`))
		if i < 0 {
			return false
		}
		before := len(rest[:i]) - len(bytes.TrimRight(rest[:i], `\`))
		if before%2 == 0 {
			return true
		}
		rest = rest[i+1:]
	}
}

// decodeValue is json.Unmarshal, with panics of the value's methods as errors.
func decodeValue(data []byte, into any) error {
	return protect(func() error { return json.Unmarshal(data, into) })
}

// maxValueDepth bounds values of recursive types; encoding/json has the same
// bound when it decodes.
const maxValueDepth = 5000

// form is what is known of a type.
type form struct {
	problem   string // why its values cannot be kept
	plain     bool   // every value comes back as it was
	recursive bool
	digest    string // of its structure
}

var forms sync.Map // reflect.Type -> form

func formOf(t reflect.Type) form {
	if s, ok := forms.Load(t); ok {
		return s.(form) //nolint:forcetypeassert // nothing else is stored
	}
	e := examiner{form: form{plain: true}, seen: map[reflect.Type]int{}}
	e.examine(t)
	e.digest = digest([]byte(e.structure.String()))
	forms.Store(t, e.form)
	return e.form
}

// examiner walks a type.
type examiner struct {
	form

	seen      map[reflect.Type]int
	structure strings.Builder
}

func (e *examiner) sayf(format string, args ...any) {
	if e.problem == "" {
		e.problem = fmt.Sprintf(format, args...)
	}
}

func (e *examiner) examine(t reflect.Type) {
	if n, ok := e.seen[t]; ok {
		e.recursive = true // or seen beside: the walk of its values does no harm
		fmt.Fprintf(&e.structure, "as %d;", n)
		return
	}
	e.seen[t] = len(e.seen)
	fmt.Fprintf(&e.structure, "%s %q %q;", t.Kind(), t.PkgPath(), t.String())
	own := hasOwnForm(t)
	if own || t == reflect.TypeFor[json.Number]() {
		e.plain = false
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		if !own {
			e.sayf("%s has no JSON form", t)
		}
	case reflect.Interface:
		e.plain, e.recursive = false, true
	case reflect.Pointer:
		e.plain = e.plain && t.Elem().Kind() == reflect.Struct
		e.examine(t.Elem())
	case reflect.Map:
		e.plain = e.plain && !hasOwnForm(t.Key())
		e.examine(t.Key())
		e.examine(t.Elem())
	case reflect.Slice, reflect.Array:
		e.examine(t.Elem())
	case reflect.Struct:
		names := map[string]bool{}
		for f := range t.Fields() {
			e.field(t, f, own, names)
		}
	default:
	}
}

// field examines a field of a struct, which has its own JSON form or not.
func (e *examiner) field(t reflect.Type, f reflect.StructField, own bool, names map[string]bool) {
	tag := f.Tag.Get("json")
	fmt.Fprintf(&e.structure, "%s %q:", f.Name, tag)
	name, options, _ := strings.Cut(tag, ",")
	fold := strings.ToLower(f.Name)
	if name != "" {
		fold = strings.ToLower(name)
		e.plain = e.plain && !strings.ContainsFunc(name, func(r rune) bool {
			return r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		})
	}
	if f.Anonymous || options != "" || names[fold] {
		e.plain = false
	}
	names[fold] = true
	switch {
	case own:
		fmt.Fprintf(&e.structure, "%s;", f.Type)
	case !f.IsExported() && !f.Anonymous:
		e.sayf("%s has the unexported field %s, which JSON leaves out", t, f.Name)
	case tag == "-":
		e.sayf("%s has the field %s, which its tag leaves out of JSON", t, f.Name)
	default:
		e.examine(f.Type)
	}
}
