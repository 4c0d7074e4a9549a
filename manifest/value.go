package manifest

import (
	"math"

	"go.yaml.in/yaml/v4"
)

// value turns a checked node into what JSON schemas speak about: nil, bool,
// numbers, string, []any and map[string]any. Of duplicate keys the first wins.
func (p *parser) value(n *yaml.Node) any {
	return p.valueAt(n, "")
}

func (p *parser) valueAt(n *yaml.Node, path string) any {
	if p.broken[n] {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				continue
			}
			if _, ok := m[key.Value]; !ok {
				m[key.Value] = p.valueAt(n.Content[i+1], joinKey(path, key.Value))
			}
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, item := range n.Content {
			s[i] = p.valueAt(item, joinIndex(path, i))
		}
		return s
	case yaml.ScalarNode:
		return p.scalar(n, path)
	}
	return nil
}

func (p *parser) scalar(n *yaml.Node, path string) any {
	if n.Tag == "!!str" || n.Tag == "!!timestamp" || n.Tag == "!!merge" || n.Value == "<<" {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		// The library's text repeats the value.
		p.breakf(n, path, "the value is not a %s; remove the tag or fix the value", n.Tag)
		return nil
	}
	switch v := v.(type) {
	case nil, bool, int, int64, uint64, string:
		return v
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			p.breakf(n, path, "expected a finite number")
			return nil
		}
		return v
	}
	return n.Value
}

// at reads a value below maps; it is nil when any part is missing or of another
// type, which the schema reports.
func at[T any](doc any, keys ...string) T {
	for _, key := range keys {
		m, _ := doc.(map[string]any)
		doc = m[key]
	}
	v, _ := doc.(T)
	return v
}
