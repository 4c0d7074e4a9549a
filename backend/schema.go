package backend

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Duration is a time.Duration that a config has as a text such as "1m30s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration; %s", text, durationForm)
	}
	*d = Duration(v)
	return nil
}

// durationForm is how a duration is written.
const durationForm = "write it like 3s, 500ms or 1m30s"

// durations are those that time.ParseDuration reads and that are not negative. A host
// shows the examples, not the pattern.
var durations = &jsonschema.Schema{
	Type: "string", Pattern: `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`, Examples: []any{"3s", "500ms", "1m30s"},
}

// schemaOf returns the schema of a config, and the defaults as JSON.
func schemaOf[C any](name string, defaults C) (schema, values []byte, err error) {
	if reflect.TypeFor[C]().Kind() != reflect.Struct {
		return nil, nil, errors.New("it is no struct")
	}
	values, err = json.Marshal(defaults)
	if err != nil {
		return nil, nil, fmt.Errorf("defaults: %w", err)
	}
	s, err := jsonschema.For[C](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[Duration](): durations}})
	if err != nil {
		return nil, nil, err
	}
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", name
	var is any
	if err := json.Unmarshal(values, &is); err != nil {
		return nil, nil, err
	}
	complete(s, is)
	if err := enums(s, reflect.TypeFor[C]()); err != nil {
		return nil, nil, err
	}
	if err := unlisted(s, is, ""); err != nil {
		return nil, nil, fmt.Errorf("defaults: %w", err)
	}
	schema, err = json.Marshal(s)
	return schema, values, err
}

// complete adds defaults, which need not be given then, and takes out null: a key
// that is not wanted is left out.
func complete(s *jsonschema.Schema, is any) {
	if len(s.Types) == 2 && s.Types[0] == "null" {
		s.Type, s.Types = s.Types[1], nil
	}
	for _, inner := range []*jsonschema.Schema{s.Items, s.AdditionalProperties} {
		if inner != nil {
			complete(inner, nil)
		}
	}
	object, _ := is.(map[string]any)
	for key, property := range s.Properties {
		value := object[key]
		complete(property, value)
		if zero(value) {
			continue
		}
		s.Required = slices.DeleteFunc(s.Required, func(k string) bool { return k == key })
		if property.Properties == nil {
			property.Default, _ = json.Marshal(value) //nolint:errchkjson // it was JSON before
		}
	}
}

// zero reports whether a value says nothing: an object does not if none of its
// members does.
func zero(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			if !zero(member) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	case string:
		return v == "" || v == "0s"
	default:
		return v == nil || v == false || v == 0.0
	}
}

// enums adds what the enum tags of the fields of t say, and finds the types that
// nobody wants in a file.
func enums(s *jsonschema.Schema, t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		if t.Kind() == reflect.Slice {
			s = s.Items
		} else if t.Kind() == reflect.Map {
			s = s.AdditionalProperties
		}
		t = t.Elem()
	}
	if t == reflect.TypeFor[time.Duration]() {
		return errors.New("time.Duration is a number of nanoseconds in JSON; use backend.Duration")
	}
	if t.Kind() != reflect.Struct || s == nil || s.Properties == nil {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		property := s.Properties[name]
		if property == nil || f.Anonymous || !f.IsExported() {
			continue
		}
		if err := enums(property, f.Type); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if list, ok := f.Tag.Lookup("enum"); ok {
			if f.Type.Kind() != reflect.String {
				return fmt.Errorf("field %s: only strings have an enum tag", f.Name)
			}
			for v := range strings.SplitSeq(list, ",") {
				property.Enum = append(property.Enum, v)
			}
		}
	}
	return nil
}

// unlisted finds a default that the enum tag of its field does not have. Nothing is no
// default.
func unlisted(s *jsonschema.Schema, is any, key string) error {
	if s == nil {
		return nil
	}
	switch v := is.(type) {
	case string:
		if v != "" && len(s.Enum) > 0 && !slices.Contains(s.Enum, is) {
			return fmt.Errorf("%s: %q is none of the values of its enum tag, %s", key, v, strings.Trim(fmt.Sprint(s.Enum), "[]"))
		}
	case []any:
		for _, item := range v {
			if err := unlisted(s.Items, item, key); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := unlisted(cmp.Or(s.Properties[name], s.AdditionalProperties), v[name], strings.TrimPrefix(key+"."+name, ".")); err != nil {
				return err
			}
		}
	}
	return nil
}
