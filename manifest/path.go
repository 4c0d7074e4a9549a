package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func joinKey(path, key string) string {
	key = clip(key)
	switch {
	case !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	}
	return path + "." + key
}

func joinIndex(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}

// nearest follows a path as far as it is in the file.
func nearest(n *yaml.Node, path string) *yaml.Node {
	if path == "" {
		return n
	}
	for i, child := range n.Content {
		var rest string
		var ok bool
		switch {
		case n.Kind == yaml.SequenceNode:
			rest, ok = strings.CutPrefix(path, joinIndex("", i))
		case i%2 == 0:
			rest, ok = strings.CutPrefix(path, joinKey("", child.Value))
			if i+1 < len(n.Content) {
				child = n.Content[i+1]
			}
		}
		if ok && (rest == "" || rest[0] == '[' || rest[0] == '.') {
			return nearest(child, strings.TrimPrefix(rest, "."))
		}
	}
	return n
}

// place is where a JSON location lands in the file.
type place struct {
	path  string
	key   *yaml.Node // the key of node, or nil
	node  *yaml.Node // the value, or its nearest parent when it is not there
	found bool
}

// locate follows a JSON location from n, whose path is given.
func (p *parser) locate(n *yaml.Node, path string, location []string) place {
	pl := place{path: path, node: n, found: true}
	for _, token := range location {
		if pl.found && pl.node.Kind == yaml.SequenceNode {
			i, err := strconv.Atoi(token)
			if pl.found = err == nil && i < len(pl.node.Content); pl.found {
				pl.path, pl.key, pl.node = joinIndex(pl.path, i), nil, pl.node.Content[i]
				continue
			}
		}
		if pl.found {
			var i int
			if i, pl.found = p.keys(pl.node)[token]; pl.found {
				pl.key, pl.node = pl.node.Content[i], pl.node.Content[i+1]
			}
		}
		pl.path = joinKey(pl.path, token)
	}
	return pl
}

// keys maps the keys of a mapping to their positions in Content.
func (p *parser) keys(n *yaml.Node) map[string]int {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	index, ok := p.index[n]
	if !ok {
		index = make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			if _, ok := index[n.Content[i].Value]; !ok && n.Content[i].Kind == yaml.ScalarNode {
				index[n.Content[i].Value] = i
			}
		}
		p.index[n] = index
	}
	return index
}

// joinTokens is the path of a location that has no indexes.
func joinTokens(location []string) string {
	path := ""
	for _, token := range location {
		path = joinKey(path, token)
	}
	return path
}
