package manifest_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spanloom/spanloom/manifest"
)

// TestSchemaMatchesStructs holds schema.json and the structs together, both
// ways, and every property to a description.
func TestSchemaMatchesStructs(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(manifest.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	defs := doc["$defs"].(map[string]any)
	resolve := func(s map[string]any) map[string]any {
		if ref, ok := s["$ref"].(string); ok {
			return defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		return s
	}
	var compare func(path string, typ reflect.Type, s map[string]any)
	compare = func(path string, typ reflect.Type, s map[string]any) {
		written := s
		s = resolve(s)
		switch {
		case typ == reflect.TypeFor[json.RawMessage]():
			return
		case typ == reflect.TypeFor[time.Duration](), typ.Kind() == reflect.Int64:
			want := "#/$defs/duration"
			if typ.Kind() == reflect.Int64 && typ != reflect.TypeFor[time.Duration]() {
				want = "#/$defs/size"
			}
			if written["$ref"] != want {
				t.Errorf("%s: the schema says %v, want %s", path, written["$ref"], want)
			}
			return
		case typ.Kind() == reflect.Map:
			compare(path+"{}", typ.Elem(), s["additionalProperties"].(map[string]any))
			return
		case typ.Kind() == reflect.Slice:
			compare(path+"[]", typ.Elem(), s["items"].(map[string]any))
			return
		case typ.Kind() != reflect.Struct:
			want := map[reflect.Kind]string{
				reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Float64: "number",
			}[typ.Kind()]
			if s["enum"] != nil { // of strings
				s["type"] = "string"
			}
			if s["type"] != want {
				t.Errorf("%s: the schema says %v, the struct %v", path, s["type"], typ)
			}
			return
		}
		properties := s["properties"].(map[string]any)
		var names []string
		for field := range typ.Fields() {
			name := field.Tag.Get("json")
			if name == "-" || !field.IsExported() {
				continue
			}
			names = append(names, name)
			property, ok := properties[name].(map[string]any)
			if !ok {
				continue // reported below
			}
			if property["description"] == nil && resolve(property)["description"] == nil {
				t.Errorf("%s.%s has no description", path, name)
			}
			compare(path+"."+name, field.Type, property)
		}
		slices.Sort(names)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(properties)), names); diff != "" {
			t.Errorf("%s: keys (-schema +struct):\n%s", path, diff)
		}
		if s["additionalProperties"] != false {
			t.Errorf("%s allows unknown keys", path)
		}
	}
	compare("manifest", reflect.TypeFor[manifest.Manifest](), doc)
}

func TestSchemaIsACopy(t *testing.T) {
	manifest.Schema()[0] = 'x'
	if manifest.Schema()[0] != '{' {
		t.Error("the caller can change the schema")
	}
}
