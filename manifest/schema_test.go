package manifest_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

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

// example is a value that the schema gives for a place.
type example struct {
	path  string
	value any
}

// examplesOf returns the defaults and the examples of the schema, for one backend.
func examplesOf(t *testing.T) (defaults, examples []example) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(manifest.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, part map[string]any)
	walk = func(path string, part map[string]any) {
		if ref, ok := part["$ref"].(string); ok {
			def := maps.Clone(doc["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any))
			maps.Copy(def, part)
			part = def
		}
		if v, ok := part["default"]; ok && path != "telemetry.backends" {
			defaults = append(defaults, example{path, v})
		}
		if list, ok := part["examples"].([]any); ok {
			for _, v := range list {
				examples = append(examples, example{path, v})
			}
		}
		properties, _ := part["properties"].(map[string]any)
		for name, property := range properties {
			walk(strings.TrimPrefix(path+"."+name, "."), property.(map[string]any))
		}
		if items, ok := part["items"].(map[string]any); ok && items["$ref"] != nil {
			walk(path+"[0]", items)
		}
	}
	walk("", doc)
	if len(defaults) < 20 || len(examples) < 20 {
		t.Fatal(defaults, examples)
	}
	return defaults, examples
}

// TestSchemaIsTheOneOfValidation compiles the published text by its own address.
func TestSchemaIsTheOneOfValidation(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, manifest.Schema()) {
		t.Error("the file is not what is embedded")
	}
	var doc struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal(published, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.ID != "https://raw.githubusercontent.com/spanloom/spanloom/main/manifest/schema.json" {
		t.Errorf("$id is %s, not where the file is", doc.ID)
	}
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(published))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(doc.ID, text); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	// What it says must be what Parse takes.
	defaults, examples := examplesOf(t)
	for _, e := range slices.Concat(defaults, examples) {
		path, full := e.path, e.value
		for _, key := range slices.Backward(strings.Split(path, ".")) {
			key, list := strings.CutSuffix(key, "[0]")
			if list {
				entry := full.(map[string]any)
				if tls, ok := entry["tls"].(map[string]any); ok {
					entry["address"] = "h:1"
					for a, b := range map[string]string{"cert": "key", "key": "cert"} {
						if tls[a] != nil {
							tls[b] = "file"
						}
					}
				}
				if entry["address"] != nil {
					entry["name"] = "remote"
				}
				if entry["command"] == nil && entry["plugin"] == nil && entry["address"] == nil {
					entry["plugin"] = "console"
				}
				full = []any{full}
			}
			full = map[string]any{key: full}
		}
		full.(map[string]any)["version"] = "1"
		if err := s.Validate(full); err != nil {
			t.Errorf("%s: %v does not fit: %v", path, e.value, err)
		}
		text, err := json.Marshal(full)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := manifest.Parse("spanloom.yaml", text, options); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSchemaIsACopy(t *testing.T) {
	manifest.Schema()[0] = 'x'
	if manifest.Schema()[0] != '{' {
		t.Error("the caller can change the schema")
	}
}
