package manifest

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

var backendsPath = []string{"telemetry", "backends"}

// merge lays top over base: mappings key by key, where null takes a key away, and
// backends name by name; all else of top replaces what base has. Neither is
// changed.
func (p *parser) merge(base, top *yaml.Node, location []string) *yaml.Node {
	switch {
	case p.broken[top]:
		return top
	case top.Kind == yaml.MappingNode:
		return p.mergeMappings(base, top, location)
	case top.Kind == yaml.SequenceNode && slices.Equal(location, backendsPath):
		return p.mergeBackends(base, top)
	}
	return top
}

func (p *parser) mergeMappings(base, top *yaml.Node, location []string) *yaml.Node {
	if base == nil || base.Kind != yaml.MappingNode {
		base = p.copyOf(top)
	}
	merged := p.copyOf(base)
	below := func(key *yaml.Node) []string { return append(slices.Clip(location), key.Value) }
	for i := 0; i+1 < len(base.Content); i += 2 {
		key, value := base.Content[i], base.Content[i+1]
		if j, ok := p.keys(top)[key.Value]; ok && key.Kind == yaml.ScalarNode {
			over := top.Content[j+1]
			if isNull(over) {
				continue
			}
			value = p.merge(value, over, below(key))
		}
		merged.Content = append(merged.Content, key, value)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if _, ok := p.keys(base)[key.Value]; ok && key.Kind == yaml.ScalarNode || isNull(value) {
			continue
		}
		merged.Content = append(merged.Content, key, p.merge(nil, value, below(key)))
	}
	return merged
}

// mergeBackends lays entries over those of the same name, and puts the others
// behind. An entry that loses what it runs is taken away.
func (p *parser) mergeBackends(base, top *yaml.Node) *yaml.Node {
	merged := p.copyOf(top)
	if base != nil && base.Kind == yaml.SequenceNode {
		merged = p.copyOf(base)
		merged.Content = slices.Clone(base.Content)
	}
	known := map[string]int{} // of equal names, a mistake that is told later, the first counts
	var hints []string
	for i, entry := range merged.Content {
		name := p.entryName(entry)
		if _, ok := known[name]; !ok {
			known[name] = i
		}
		if len(hints) < maxListed {
			hints = append(hints, name)
		}
	}
	gone := map[*yaml.Node]bool{}
	for _, over := range top.Content {
		name := p.entryName(over)
		if at, ok := known[name]; ok && name != "" {
			entry := p.merge(merged.Content[at], over, entryLocation)
			merged.Content[at], gone[entry] = entry, !p.runs(entry)
			continue
		}
		entry := p.merge(nil, over, entryLocation)
		if name != "" && !p.runs(entry) {
			p.errorf(over, joinTokens(backendsPath), "%s has no backend %q%s", p.file, clip(name), orNew(didYouMean(name, hints)))
			continue
		}
		known[name] = len(merged.Content)
		merged.Content = append(merged.Content, entry)
	}
	merged.Content = slices.DeleteFunc(merged.Content, func(entry *yaml.Node) bool { return gone[entry] })
	return merged
}

// entryLocation stands for that of any entry: none has a rule of its own.
var entryLocation = append(slices.Clip(backendsPath), "0")

func orNew(hint string) string {
	if hint == "" {
		return "; a new one needs a plugin, a command or an address"
	}
	return hint
}

// entryName is the name of an entry of telemetry.backends, as written.
func (p *parser) entryName(n *yaml.Node) string {
	entry := map[string]any{}
	for _, field := range []string{"name", "plugin", "command", "address"} {
		i, ok := p.keys(n)[field]
		if !ok {
			continue
		}
		switch value := n.Content[i+1]; {
		case isNull(value):
		case value.Kind == yaml.ScalarNode:
			entry[field] = value.Value
		case value.Kind == yaml.SequenceNode && len(value.Content) > 0:
			entry[field] = []any{value.Content[0].Value}
		}
	}
	name, _ := nameOf(entry)
	return name
}

// runs reports whether an entry says what to run. What is no entry at all is for
// the schema to refuse.
func (p *parser) runs(n *yaml.Node) bool {
	_, plugin := p.keys(n)["plugin"]
	_, command := p.keys(n)["command"]
	_, address := p.keys(n)["address"]
	return plugin || command || address || n.Kind != yaml.MappingNode
}

// copyOf is a collection like n with nothing in it.
func (p *parser) copyOf(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	if file, ok := p.files[n]; ok {
		p.files[&c] = file
	}
	if p.broken[n] {
		p.broken[&c] = true
	}
	return &c
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
