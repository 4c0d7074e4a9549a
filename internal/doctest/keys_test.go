package doctest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/internal/pagetest"
	"github.com/spanloom/spanloom/manifest"
)

// TestKeysAreThoseOfTheSchema compares the table of the page on manifests with the
// schema that manifests are checked with.
func TestKeysAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	pagetest.Hold(t, filepath.Join(root, "docs/manifest.md"), "keys", keys(t), *update)
}

// keys is a table of all keys of a manifest.
func keys(t *testing.T) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(manifest.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| key | type | default | what it says | example |\n|---|---|---|---|---|\n")
	var walk func(path string, part map[string]any)
	walk = func(path string, part map[string]any) {
		properties, _ := part["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			property := resolve(doc, properties[name].(map[string]any))
			key := strings.TrimPrefix(path+"."+name, ".")
			if property["properties"] != nil {
				walk(key, property)
				continue
			}
			say := strings.NewReplacer("<", "&lt;", "*", `\*`).Replace(property["description"].(string))
			shown := exampleOf(t, property)
			if shown == "" {
				t.Errorf("%s has no example", key)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", key, typeOf(doc, property), code(t, property["default"]), say, shown)
			if items, ok := property["items"].(map[string]any); ok {
				walk(key+"[]", resolve(doc, items))
			}
		}
	}
	walk("", doc)
	return b.String()
}

func resolve(doc, part map[string]any) map[string]any {
	ref, ok := part["$ref"].(string)
	if !ok {
		return part
	}
	name := strings.TrimPrefix(ref, "#/$defs/")
	resolved := maps.Clone(doc["$defs"].(map[string]any)[name].(map[string]any))
	maps.Copy(resolved, part)
	resolved["form"] = name
	return resolved
}

func typeOf(doc, part map[string]any) string {
	if form := part["form"]; form == "duration" || form == "size" {
		return form.(string)
	}
	if words, ok := part["enum"].([]any); ok {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = fmt.Sprintf("`%v`", w)
		}
		return strings.Join(list, ", ")
	}
	switch part["type"] {
	case "array":
		items := resolve(doc, part["items"].(map[string]any))
		return "list of " + strings.TrimSuffix(typeOf(doc, items), "s") + map[bool]string{true: "s"}[items["enum"] == nil]
	case "object":
		return "mapping"
	case "number", "integer":
		if part["minimum"] != nil && part["maximum"] != nil {
			return fmt.Sprintf("%v, %v to %v", part["type"], plain(part["minimum"]), plain(part["maximum"]))
		}
	}
	return fmt.Sprint(part["type"])
}

func plain(v any) string { return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00") }

func code(t *testing.T, v any) string {
	t.Helper()
	if v == nil {
		return ""
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return "`" + strings.TrimSpace(b.String()) + "`"
}

func exampleOf(t *testing.T, part map[string]any) string {
	t.Helper()
	if list, ok := part["examples"].([]any); ok && len(list) > 0 {
		return code(t, list[0])
	}
	switch words, _ := part["enum"].([]any); {
	case len(words) > 0:
		return code(t, words[len(words)-1])
	case part["type"] == "boolean":
		return code(t, part["default"] != true)
	}
	return ""
}
