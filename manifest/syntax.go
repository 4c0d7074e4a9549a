package manifest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	tooDeep  = "nested deeper than 64 levels"
	noTabs   = "a tab; indent with spaces; YAML forbids tabs"
	noAlias  = "anchors (&name) and aliases (*name) are not allowed; write the value out"
	oneDoc   = `a second document; a manifest is one document, remove the line "---"`
	isEmpty  = `the manifest is empty; write version: "1"`
	flowRefs = `a reference inside [] or {} must be quoted; write "%s"`
)

// limits stops the YAML library while it scans, before it builds anything.
type limits struct{}

var errDepth = errors.New(tooDeep)

func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		return errDepth
	}
	return nil
}

// CheckAlias is not reached: aliases are refused before anything expands them.
func (limits) CheckAlias(int, int) error { return nil }

// load parses the text into p.root and reports whether there is one to check.
func (p *parser) load(data []byte) bool {
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(limits{}))
	if err != nil {
		p.errorAtf(1, 1, "", "cannot read YAML: %v", err)
		return false
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		p.errorAtf(1, 1, "", isEmpty)
		return false
	case err != nil:
		p.syntax(err, data)
		return false
	}
	switch err := loader.Load(&second); {
	case err == nil:
		p.errorf(&second, "", oneDoc)
		return false
	case !errors.Is(err, io.EOF):
		p.syntax(err, data)
		return false
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		p.errorAtf(1, 1, "", isEmpty)
		return false
	}
	p.root = doc.Content[0]
	return true
}

// sentences replaces the library's words by what a reader can act on. With
// start, the place is where the construct began, not where it was given up.
var sentences = []struct {
	part, sentence string
	start          bool
}{
	{tooDeep, tooDeep, false},
	{"unknown anchor", noAlias, false},
	{"mapping values are not allowed", `unexpected ":"; quote the value, or fix the indentation`, false},
	{"could not find expected ':'", `expected "key: value"`, true},
	{"did not find expected key", "wrong indentation; line this up with the keys above", false},
	{"did not find expected '-' indicator", `wrong indentation; line this up with the "-" above`, false},
	{"expected ',' or ']'", `this list is not closed, or lacks a comma between items`, true},
	{"expected ',' or '}'", `this mapping is not closed, or lacks a comma between keys`, true},
	{"unexpected end of stream", "this quoted string is not closed", true},
	{"unexpected document indicator", "this quoted string is not closed", true},
	{"cannot start any token", "this character cannot start a value; quote the value", false},
	{"unknown escape character", `unknown escape in a "..." string; double the backslash or use '...'`, false},
}

// syntax turns a fault of the library into one of ours.
func (p *parser) syntax(err error, data []byte) {
	var fault *yaml.LoadError
	if !errors.As(err, &fault) {
		p.errorAtf(1, 1, "", "invalid YAML: %v", err)
		return
	}
	line, column := fault.Mark.Line, fault.Mark.Column
	text := sourceLine(data, line)
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		p.errorAtf(line, tab+1, "", noTabs)
		return
	}
	if ref, at := referenceAt(text, column); ref != "" {
		p.errorAtf(line, at, "", flowRefs, ref)
		return
	}
	for _, s := range sentences {
		if !strings.Contains(fault.Message, s.part) {
			continue
		}
		if s.start && fault.ContextMark.Line > 0 {
			line, column = fault.ContextMark.Line, fault.ContextMark.Column
		}
		p.errorAtf(line, column, "", "%s", s.sentence)
		return
	}
	p.errorAtf(line, column, "", "invalid YAML: %s", fault.Message)
}

// referenceAt recognises the unquoted ${ that a flow collection trips over: the
// scanner stops at the brace. It returns the reference without its default.
func referenceAt(text string, column int) (ref string, at int) {
	runes := []rune(text)
	if column < 2 || column > len(runes) || runes[column-1] != '{' || runes[column-2] != '$' {
		return "", 0
	}
	name, _, ok := strings.Cut(string(runes[column:]), "}")
	if !ok || len(name) > 64 {
		return "${env:NAME}", column - 1
	}
	name, _, _ = strings.Cut(name, ":-")
	return "${" + name + "}", column - 1
}

func sourceLine(data []byte, line int) string {
	for range line - 1 {
		_, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			return ""
		}
		data = rest
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return strings.TrimPrefix(strings.TrimSuffix(string(text), "\r"), "\uFEFF")
}
