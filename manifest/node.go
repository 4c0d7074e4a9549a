package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// checkNode refuses what YAML allows and a manifest does not. depth is that of n.
func (p *parser) checkNode(n *yaml.Node, path string, depth int) {
	// Flow and block levels are counted apart by the scanner, so both together
	// can still come to twice the limit.
	if depth > maxDepth {
		p.breakf(n, path, tooDeep)
		n.Content = nil
		return
	}
	if n.Kind == yaml.AliasNode {
		p.breakf(n, path, noAlias)
		return
	}
	if n.Anchor != "" {
		p.errorf(n, path, noAlias)
	}
	p.checkTag(n, path)
	switch n.Kind {
	case yaml.MappingNode:
		p.checkMapping(n, path, depth)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			p.checkNode(item, joinIndex(path, i), depth+1)
		}
	}
}

func (p *parser) checkMapping(n *yaml.Node, path string, depth int) {
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind == yaml.AliasNode || key.Anchor != "":
			p.errorf(key, path, noAlias)
		case key.Kind != yaml.ScalarNode:
			p.errorf(key, path, "a key must be a plain word, not a list or a mapping")
		case key.Tag == "!!merge":
			p.errorf(key, path, `merge keys (<<) are not allowed; write the keys out`)
			// What is merged is an alias as a rule; one fault is enough.
			p.broken[value] = true
			continue
		}
		if key.Kind != yaml.ScalarNode {
			continue
		}
		p.checkTag(key, joinKey(path, key.Value))
		if before, ok := first[key.Value]; ok {
			p.errorf(key, joinKey(path, key.Value), "duplicate key; it is first on line %d", before.Line)
			continue
		}
		first[key.Value] = key
		p.checkNode(value, joinKey(path, key.Value), depth+1)
	}
}

// checkTag allows a tag that says what the value is anyway.
func (p *parser) checkTag(n *yaml.Node, path string) {
	tag := n.Tag
	if rest, ok := strings.CutPrefix(tag, "tag:yaml.org,2002:"); ok {
		tag = "!!" + rest
	}
	n.Tag = tag
	switch n.Kind {
	case yaml.MappingNode:
		if tag == "!!map" {
			return
		}
	case yaml.SequenceNode:
		if tag == "!!seq" {
			return
		}
	default:
		switch tag {
		case "!!str", "!!int", "!!float", "!!bool", "!!null":
			return
		case "!!timestamp", "!!merge":
			// Implied for plain text that looks like it; a string to us.
			if n.Style&yaml.TaggedStyle == 0 {
				return
			}
		}
	}
	p.breakf(n, path, "the tag %s is not allowed; remove it", clip(tag))
}

// breakf reports a fault that leaves n without a usable value.
func (p *parser) breakf(n *yaml.Node, path, format string, args ...any) {
	p.errorf(n, path, format, args...)
	p.broken[n] = true
}

// anyBroken reports whether n or something below it has no usable value.
func (p *parser) anyBroken(n *yaml.Node) bool {
	if len(p.broken) == 0 {
		return false
	}
	if p.broken[n] {
		return true
	}
	return slices.ContainsFunc(n.Content, p.anyBroken)
}

// shown is the text of a scalar as it may appear in an error.
func (p *parser) shown(n *yaml.Node) string {
	if text, ok := p.written[n]; ok {
		return clip(text)
	}
	return clip(n.Value)
}

// maxShown is how many characters of a value or key an error text repeats.
const maxShown = 64

// clip bounds what an error text repeats from the file.
func clip(s string) string {
	runes := 0
	for i := range s {
		if runes++; runes > maxShown {
			return s[:i] + "…"
		}
	}
	return s
}
