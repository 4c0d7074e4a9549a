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

// load returns the document of a file, checked for what a manifest does not
// allow, or nil when there is none to look at. empty is the fault of a file
// without a document; none when it is "".
func (p *parser) load(src source, empty string) *yaml.Node {
	if line, column, message := checkSource(src.data); message != "" {
		p.errorAtf(src.file, line, column, "", "%s", message)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src.data), yaml.WithPlugin(limits{}))
	if err != nil {
		p.errorAtf(src.file, 1, 1, "", "cannot read YAML: %v", err)
		return nil
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		doc = yaml.Node{}
	case err != nil:
		p.syntax(err, src)
		return nil
	default:
		switch err := loader.Load(&second); {
		case err == nil:
			p.errorAtf(src.file, second.Line, second.Column, "", oneDoc)
			return nil
		case !errors.Is(err, io.EOF):
			p.syntax(err, src)
			return nil
		}
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		if empty != "" {
			p.errorAtf(src.file, 1, 1, "", "%s", empty)
		}
		return nil
	}
	root := doc.Content[0]
	if src.file != p.file {
		p.belongs(root, src.file)
	}
	p.checkNode(root, "", 1)
	return root
}

// belongs remembers the file of n and of what is below.
func (p *parser) belongs(n *yaml.Node, file string) {
	p.files[n] = file
	for _, child := range n.Content {
		p.belongs(child, file)
	}
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
func (p *parser) syntax(err error, src source) {
	var fault *yaml.LoadError
	if !errors.As(err, &fault) {
		p.errorAtf(src.file, 1, 1, "", "invalid YAML: %v", err)
		return
	}
	line, column := fault.Mark.Line, fault.Mark.Column
	text := sourceLine(src.data, line)
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		p.errorAtf(src.file, line, tab+1, "", noTabs)
		return
	}
	if ref, at := referenceAt(text, column); ref != "" {
		p.errorAtf(src.file, line, at, "", flowRefs, ref)
		return
	}
	for _, s := range sentences {
		if !strings.Contains(fault.Message, s.part) {
			continue
		}
		if s.start && fault.ContextMark.Line > 0 {
			line, column = fault.ContextMark.Line, fault.ContextMark.Column
		}
		p.errorAtf(src.file, line, column, "", "%s", s.sentence)
		return
	}
	p.errorAtf(src.file, line, column, "", "invalid YAML: %s", fault.Message)
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
	if envName.MatchString(name) { // else it would be the next mistake
		name = "env:" + name
	}
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
