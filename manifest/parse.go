package manifest

import (
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// Parse parses the text of a manifest. The file is not opened: it is the name
// in error texts, and its directory is what relative paths start from. A name
// without a directory, such as "spanloom.yaml (embedded)", means the working
// directory. All faults are returned at once, as Errors.
func Parse(file string, data []byte, o Options) (*Manifest, error) {
	dir := filepath.Dir(file)
	if dir == "." {
		dir = ""
	}
	return parse(file, dir, data, o)
}

// parser gathers the faults of one manifest.
type parser struct {
	file string
	base string // absolute directory that relative paths start from
	opts Options
	root *yaml.Node

	errs     []*Error
	warnings []*Error

	// written holds, for each scalar with references, its text as written and
	// without defaults: the only form that may be shown.
	written map[*yaml.Node]string
	// secrets are the values of the environment in use, and their references.
	secrets map[string]string
	// broken nodes have a fault already and no usable value; later checks keep
	// quiet about them.
	broken map[*yaml.Node]bool
	// index finds keys of large mappings without a scan for each fault.
	index map[*yaml.Node]map[string]int
}

func parse(file, dir string, data []byte, o Options) (*Manifest, error) {
	base, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", file, err)
	}
	p := &parser{
		file: file, base: base, opts: o,
		written: map[*yaml.Node]string{},
		secrets: map[string]string{},
		broken:  map[*yaml.Node]bool{},
		index:   map[*yaml.Node]map[string]int{},
	}
	m := &Manifest{File: file, Dir: dir}
	if line, column, message := checkSource(data); message != "" {
		p.errorAtf(line, column, "", "%s", message)
	} else if p.load(data) {
		p.checkNode(p.root, "", 1)
		doc := p.value(p.root)
		err = p.checkSchema(ownSchema(), doc, p.root, "")
		p.checkVersion(doc)
		p.checkTimeout(doc)
		p.checkBackends(doc)
		if err == nil && len(p.errs) == 0 {
			err = p.build(doc, m)
		}
	}
	if len(p.errs) > 0 {
		return nil, Errors(tidy(p.errs))
	}
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", file, err)
	}
	m.root, m.written, m.Warnings = p.root, p.written, tidy(p.warnings)
	m.redact = redactor(p.secrets)
	return m, nil
}

// full bounds what is kept at ten times what is shown: enough to sort.
func (p *parser) full() bool { return len(p.errs) >= 10*maxErrors }

func (p *parser) errorAtf(line, column int, path, format string, args ...any) {
	if p.full() {
		return
	}
	p.errs = append(p.errs, p.newError(line, column, path, format, args...))
}

func (p *parser) errorf(n *yaml.Node, path, format string, args ...any) {
	p.errorAtf(n.Line, n.Column, path, format, args...)
}

func (p *parser) warnf(n *yaml.Node, path, format string, args ...any) {
	p.warnings = append(p.warnings, p.newError(n.Line, n.Column, path, format, args...))
}

func (p *parser) newError(line, column int, path, format string, args ...any) *Error {
	return &Error{
		File: p.file, Line: max(line, 1), Column: max(column, 1),
		Path: path, Message: fmt.Sprintf(format, args...),
	}
}
