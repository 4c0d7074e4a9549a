package manifest

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v4"

	"github.com/spanloom/spanloom/internal/configschema"
)

// schema is a JSON schema, from whose text hints are read too.
type schema struct {
	*configschema.Schema

	own bool
}

var ownSchema = sync.OnceValue(func() *schema {
	s, err := configschema.Own(schemaJSON)
	if err != nil {
		panic("manifest: schema.json: " + err.Error()) //nolint:forbidigo // the file is embedded, and every test reads it
	}
	return &schema{s, true}
})

// compileSchema reads the schema of a backend.
func compileSchema(raw []byte) (*schema, error) {
	s, err := configschema.Compile(raw)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says whose schema it is
	}
	return &schema{s, false}, nil
}

// subschema finds the schema that a fault came from, to read hints from; nil
// when the schema names itself in a way that hides it.
func (s *schema) subschema(address string) map[string]any {
	_, fragment, _ := strings.Cut(address, "#")
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil
	}
	doc := s.Text
	for token := range strings.SplitSeq(strings.TrimPrefix(fragment, "/"), "/") {
		if token == "" {
			continue
		}
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		if list, ok := doc.([]any); ok {
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(list) {
				return nil
			}
			doc = list[i]
			continue
		}
		m, _ := doc.(map[string]any)
		doc = m[token]
	}
	m, _ := doc.(map[string]any)
	return m
}

// checkSchema reports the faults of value, which stands at n and path. The error says
// why it cannot.
func (p *parser) checkSchema(s *schema, value any, n *yaml.Node, path string) error {
	err := s.Check(value)
	if fault, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		(&schemaCheck{p: p, schema: s, node: n, path: path}).report(fault)
		return nil
	}
	return err //nolint:wrapcheck // the caller says whose schema it is
}

type schemaCheck struct {
	p      *parser
	schema *schema
	node   *yaml.Node
	path   string
}

func (c *schemaCheck) report(fault *jsonschema.ValidationError) {
	if k, ok := fault.ErrorKind.(*kind.PropertyNames); ok {
		pl := c.keyPlace(fault.InstanceLocation, k.Property)
		c.p.errorf(pl.node, pl.path, "this key is not of the form the backend asks for")
		return
	}
	pl := c.p.locate(c.node, c.path, fault.InstanceLocation)
	if c.p.broken[pl.node] {
		return
	}
	switch k := fault.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		c.unknownKeys(pl, k.Properties, fault.SchemaURL)
		return
	case *kind.Required:
		for _, name := range k.Missing {
			c.missingKey(pl, name)
		}
		return
	case *kind.AnyOf:
		c.alternatives(pl, fault, nil)
		return
	case *kind.OneOf:
		// Ours is plugin or command, which checkBackends reports better.
		if !c.schema.own {
			c.alternatives(pl, fault, k.Subschemas)
		}
		return
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range fault.Causes {
			c.report(cause)
		}
		return
	}
	// A fault of a whole list or mapping says nothing when a part has no value.
	if c.p.anyBroken(pl.node) {
		return
	}
	at := pl.node
	if _, ok := fault.ErrorKind.(*kind.FalseSchema); ok && pl.key != nil && pl.found {
		at = pl.key
	}
	c.p.errorf(at, pl.path, "%s", c.sentence(pl, fault))
}

// keyPlace is the place of a key that propertyNames refuses. For these faults
// the library (v6.0.3) lends the location from a buffer that it writes to
// again, so only its length is sure; the key tells the rest.
func (c *schemaCheck) keyPlace(location []string, key string) place {
	if pl := c.p.locate(c.node, c.path, append(slices.Clip(location), key)); pl.found && pl.key != nil {
		return place{path: pl.path, node: pl.key}
	}
	found := place{path: c.path, node: c.node}
	var search func(n *yaml.Node, path string, depth int) bool
	search = func(n *yaml.Node, path string, depth int) bool {
		if i, ok := c.p.keys(n)[key]; ok && depth == 0 {
			found = place{path: joinKey(path, key), node: n.Content[i]}
			return true
		}
		for i, child := range n.Content {
			childPath := joinIndex(path, i)
			if n.Kind == yaml.MappingNode {
				if i%2 == 0 {
					continue
				}
				childPath = joinKey(path, n.Content[i-1].Value)
			}
			if depth > 0 && search(child, childPath, depth-1) {
				return true
			}
		}
		return false
	}
	search(c.node, c.path, len(location))
	return found
}

func (c *schemaCheck) unknownKeys(pl place, names []string, address string) {
	known := slices.Collect(maps.Keys(at[map[string]any](c.schema.subschema(address), "properties")))
	unknown := make(map[string]bool, len(names))
	for _, name := range names {
		unknown[name] = true
	}
	for i, key := range pl.node.Content {
		if c.p.full() {
			return // hints are the dear part
		}
		name := key.Value
		if i%2 != 0 || !unknown[name] || c.p.keys(pl.node)[name] != i {
			continue
		}
		hint := didYouMean(name, known)
		if plugin := c.ofConfig(pl, name); plugin != "" {
			hint = fmt.Sprintf("; it is a key of the config of %s: put it below config", plugin)
		}
		if hint == "" && len(known) > 0 {
			hint = "; known here: " + listed(known)
		}
		c.p.errorf(key, joinKey(pl.path, name), "unknown key%s", hint)
	}
}

var entryForm = regexp.MustCompile(`^telemetry\.backends\[[0-9]+\]$`)

// isEntry reports whether a place is that of a backend.
func (c *schemaCheck) isEntry(pl place) bool { return c.schema.own && entryForm.MatchString(pl.path) }

// ofConfig returns the plugin of a backend's entry if a key belongs into its config.
func (c *schemaCheck) ofConfig(entry place, key string) string {
	if !c.isEntry(entry) {
		return ""
	}
	i, ok := c.p.keys(entry.node)["plugin"]
	if !ok {
		return ""
	}
	for _, b := range c.p.known() {
		if b.Name != entry.node.Content[i+1].Value {
			continue
		}
		s, err := compileSchema(b.Schema)
		if err != nil {
			return ""
		}
		part, _ := s.Text.(map[string]any)
		if part, _ = s.resolve(part); at[any](part, "properties", key) != nil {
			return b.Name
		}
	}
	return ""
}

// known are the backends that need no directory.
func (p *parser) known() []KnownBackend {
	if p.opts.Backends == nil {
		return nil
	}
	return p.opts.Backends(nil)
}

func (c *schemaCheck) missingKey(pl place, name string) {
	hint := ""
	if c.schema.own && name == "version" {
		hint = `; write version: "1"`
	}
	c.p.errorf(pl.node, joinKey(pl.path, name), "required key is missing%s", hint)
}

// alternatives reports the one branch that was meant, when types tell which.
func (c *schemaCheck) alternatives(pl place, fault *jsonschema.ValidationError, matched []int) {
	if c.p.anyBroken(pl.node) {
		return
	}
	if len(matched) > 0 {
		c.p.errorf(pl.node, pl.path, "fits more than one of the allowed forms")
		return
	}
	var meant []*jsonschema.ValidationError
	for _, cause := range fault.Causes {
		if !wrongType(cause, len(fault.InstanceLocation)) {
			meant = append(meant, cause)
		}
	}
	if len(meant) == 1 {
		c.report(meant[0])
		return
	}
	c.p.errorf(pl.node, pl.path, "fits none of the allowed forms")
}

// wrongType reports whether a branch failed because the value itself, at the
// given depth, has another type.
func wrongType(fault *jsonschema.ValidationError, depth int) bool {
	if len(fault.InstanceLocation) > depth {
		return false
	}
	if _, ok := fault.ErrorKind.(*kind.Type); ok {
		return true
	}
	return slices.ContainsFunc(fault.Causes, func(f *jsonschema.ValidationError) bool { return wrongType(f, depth) })
}
