package manifest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/spanloom/spanloom/privacy"
)

// display makes settings of a document.
type display struct {
	b      *builder
	m      *Manifest
	redact *privacy.Redactor
}

func (d *display) settings() []Setting {
	var list []Setting
	d.walk(d.b.doc, "", nil, func(s Setting) { list = append(list, s) })
	return list
}

// walk yields a setting for each value below one that is not a collection of
// collections.
func (d *display) walk(value any, path string, location []string, yield func(Setting)) {
	below := func(token string) []string { return append(slices.Clip(location), token) }
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			d.walk(v[key], joinKey(path, key), below(key), yield)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		if slices.ContainsFunc(v, isCollection) {
			for i, item := range v {
				d.walk(item, joinIndex(path, i), below(strconv.Itoa(i)), yield)
			}
			return
		}
	}
	yield(Setting{Path: d.redact.Text(path), Value: d.shown(value, path, location), Origin: d.origin(path, location)})
}

func isCollection(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// shown is a value without what is secret in it.
func (d *display) shown(value any, path string, location []string) any {
	list, ok := value.([]any)
	if !ok {
		return d.scalar(value, path, location)
	}
	shown := make([]any, len(list))
	for i, item := range list {
		shown[i] = d.scalar(item, joinIndex(path, i), append(slices.Clip(location), strconv.Itoa(i)))
		// An argument is secret by the flag before it.
		if flag, _ := list[max(i-1, 0)].(string); i > 0 && strings.HasPrefix(flag, "-") && !strings.Contains(flag, "=") && d.redact.Key(strings.TrimLeft(flag, "-")) {
			shown[i] = privacy.Mark
		}
	}
	return shown
}

func (d *display) scalar(value any, path string, location []string) any {
	if slices.ContainsFunc(location, d.secret) {
		return privacy.Mark
	}
	switch n := d.node(path, location); {
	case d.b.by[path] != "":
	case n == nil:
		return native(value) // a default is no secret
	case d.b.p.written[n] != "":
		return d.text(d.b.p.written[n])
	}
	if text, ok := value.(string); ok {
		return d.text(text)
	}
	return value
}

// native makes the numbers of the schema like those of a file.
func native(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return int(i)
	}
	f, _ := n.Float64() // a test reads the schema
	return f
}

// secret reports whether what stands below a key is secret.
func (d *display) secret(key string) bool {
	return strings.EqualFold(key, "headers") || strings.EqualFold(key, "auth") || d.redact.Key(key)
}

func (d *display) text(s string) string { return d.redact.Text(d.m.Redact(s)) }

func (d *display) origin(path string, location []string) Origin {
	if by := d.b.by[path]; by != "" {
		return Origin{Variables: []string{by}}
	}
	if from, ok := d.b.from[path]; ok {
		// One step: what a value is made of is not made of another.
		source := d.b.p.locate(d.b.p.root, "", from)
		if by := d.b.by[source.path]; by != "" {
			return Origin{Variables: []string{by}}
		}
	}
	n := d.node(path, location)
	if n == nil {
		return Origin{}
	}
	o := Origin{File: d.b.p.fileOf(n), Line: n.Line, Column: n.Column}
	for _, name := range d.variables(n) {
		if !slices.Contains(o.Variables, name) {
			o.Variables = append(o.Variables, name)
		}
	}
	return o
}

// variables are those that a scalar or a list of scalars refers to.
func (d *display) variables(n *yaml.Node) []string {
	names := slices.Clone(d.b.p.variables[n])
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			names = append(names, d.b.p.variables[item]...)
		}
	}
	return names
}

// node is where the value at a path was written, or nil.
func (d *display) node(path string, location []string) *yaml.Node {
	if from, ok := d.b.from[path]; ok {
		location = from
	}
	if pl := d.b.p.locate(d.b.p.root, "", location); pl.found {
		return pl.node
	}
	return nil
}
