package manifest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// resolve follows the reference of a part of the schema to its definition, whose
// name it returns. What stands beside the reference wins.
func (s *schema) resolve(part map[string]any) (resolved map[string]any, definition string) {
	ref, ok := part["$ref"].(string)
	if !ok {
		return part, ""
	}
	definition = strings.TrimPrefix(ref, "#/$defs/")
	resolved = maps.Clone(at[map[string]any](s.Text, "$defs", definition))
	maps.Copy(resolved, part)
	return resolved, definition
}

// words are what the schema allows at a place.
func (s *schema) words(location []string) []string {
	part, _ := s.Text.(map[string]any)
	for _, token := range location {
		part, _ = s.resolve(at[map[string]any](part, "properties", token))
	}
	var words []string
	for _, word := range at[[]any](part, "enum") {
		words = append(words, word.(string)) //nolint:forcetypeassert // a test reads the schema
	}
	return words
}

// fill returns a document with the defaults of the schema: the only place that
// has them. What it puts in is the document's own.
func (s *schema) fill(value any) any {
	part, _ := s.Text.(map[string]any)
	return s.fillPart(part, value)
}

func (s *schema) fillPart(part map[string]any, value any) any {
	part, _ = s.resolve(part)
	switch value := value.(type) {
	case map[string]any:
		for name, property := range at[map[string]any](part, "properties") {
			property, _ := s.resolve(property.(map[string]any)) //nolint:forcetypeassert // a test reads the schema
			child, ok := value[name]
			if !ok {
				child, ok = clone(property["default"]), property["default"] != nil
			}
			if !ok && property["properties"] != nil {
				child, ok = map[string]any{}, true
			}
			if ok {
				value[name] = s.fillPart(property, child)
			}
		}
	case []any:
		items := at[map[string]any](part, "items")
		for i := range value {
			value[i] = s.fillPart(items, value[i])
		}
	}
	return value
}

// clone is a copy of a default, which is at most a list of scalars or empty.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return maps.Clone(v)
	case []any:
		return slices.Clone(v)
	}
	return v
}

// each returns a copy of a document in which visit has replaced the values that
// the schema calls a duration or a size.
func (s *schema) each(doc any, visit func(form string, value any, location []string) any) any {
	part, _ := s.Text.(map[string]any)
	return s.eachPart(part, doc, nil, visit)
}

func (s *schema) eachPart(part map[string]any, value any, location []string, visit func(string, any, []string) any) any {
	part, definition := s.resolve(part)
	if definition == "duration" || definition == "size" {
		return visit(definition, value, location)
	}
	switch value := value.(type) {
	case map[string]any:
		copied := maps.Clone(value)
		for name, property := range at[map[string]any](part, "properties") {
			if child, ok := copied[name]; ok {
				copied[name] = s.eachPart(property.(map[string]any), child, append(slices.Clip(location), name), visit) //nolint:forcetypeassert // a test reads the schema
			}
		}
		return copied
	case []any:
		items := at[map[string]any](part, "items")
		if items == nil {
			return value
		}
		copied := slices.Clone(value)
		for i := range copied {
			copied[i] = s.eachPart(items, copied[i], append(slices.Clip(location), strconv.Itoa(i)), visit)
		}
		return copied
	}
	return value
}
