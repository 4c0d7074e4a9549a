package manifest

import (
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// Parse parses the text of a manifest. No file is opened, nor one that would lie
// over it: the name is that in error texts, and its directory is what relative
// paths start from. A name without a directory, such as "spanloom.yaml
// (embedded)", means the working directory. All faults are returned at once, as
// Errors.
func Parse(file string, data []byte, o Options) (*Manifest, error) {
	dir := filepath.Dir(file)
	if dir == "." {
		dir = ""
	}
	return parse(source{file: file, data: data}, dir, nil, o)
}

// source is the text of one file.
type source struct {
	file string // its name in error texts
	data []byte
	none bool // there is no file
}

// text is a document and what is known of its nodes.
type text struct {
	file string // of the nodes that are not in files
	root *yaml.Node
	// files are those of the nodes that an overlay brought.
	files map[*yaml.Node]string
	// written holds, for each scalar with references, its text as written and
	// without defaults: the only form that may be shown.
	written map[*yaml.Node]string
	// variables are those that a scalar with references refers to.
	variables map[*yaml.Node][]string
}

func (t *text) fileOf(n *yaml.Node) string {
	if file, ok := t.files[n]; ok {
		return file
	}
	return t.file
}

// parser gathers the faults of one manifest.
type parser struct {
	text

	base string // absolute directory that relative paths start from
	opts Options
	none bool // there is no manifest

	errs     []*Error
	warnings []*Error

	// secrets are the values of the environment in use, and their references.
	secrets map[string]string
	// checks ask backends for the mistakes in their configs.
	checks []func()
	// broken nodes have a fault already and no usable value; later checks keep
	// quiet about them.
	broken map[*yaml.Node]bool
	// resolved nodes have their references replaced.
	resolved map[*yaml.Node]bool
	// index finds keys of large mappings without a scan for each fault.
	index map[*yaml.Node]map[string]int
}

func newParser(t text) *parser {
	return &parser{
		text:     t,
		secrets:  map[string]string{},
		broken:   map[*yaml.Node]bool{},
		resolved: map[*yaml.Node]bool{},
		index:    map[*yaml.Node]map[string]int{},
	}
}

// parse parses a text, and over it the one that overlay returns for a mode;
// overlay may be nil.
func parse(main source, dir string, overlay func(mode string) (source, bool, error), o Options) (*Manifest, error) {
	base, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", main.file, err)
	}
	p := newParser(text{
		file:      main.file,
		files:     map[*yaml.Node]string{},
		written:   map[*yaml.Node]string{},
		variables: map[*yaml.Node][]string{},
	})
	p.base, p.opts = base, o
	m := &Manifest{File: main.file, Dir: dir}
	env := p.readEnvironment()
	if p.none = main.none; p.none {
		p.root = nothing()
		err = p.build(map[string]any{}, env, m)
	} else if p.root = p.load(main, isEmpty); p.root != nil {
		mode := p.mode(env)
		if overlay != nil && mode != "" {
			if m.Overlay, err = p.overlay(mode, overlay); err != nil {
				return nil, err
			}
		}
		err = p.finish(m, env)
	}
	if len(p.errs) > 0 {
		return nil, Errors(tidy(p.errs))
	}
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", main.file, err)
	}
	m.text, m.Warnings = p.text, tidy(p.warnings)
	return m, nil
}

// finish checks the document and builds m from it.
func (p *parser) finish(m *Manifest, env *environment) error {
	p.substituteAll(p.root, "")
	doc := p.value(p.root)
	err := p.checkSchema(ownSchema(), doc, p.root, "")
	p.checkVersion(doc)
	p.checkForms(doc)
	p.checkAttributes()
	p.checkPropagation(doc)
	p.checkRedact(doc)
	p.checkBackends(doc)
	if err != nil || len(p.errs) > 0 {
		for _, check := range p.checks {
			check()
		}
		return err
	}
	return p.build(doc, env, m)
}

// full bounds what is kept at ten times what is shown: enough to sort.
func (p *parser) full() bool { return len(p.errs) >= 10*maxErrors }

func (p *parser) errorAtf(file string, line, column int, path, format string, args ...any) {
	if p.full() {
		return
	}
	p.errs = append(p.errs, newError(file, line, column, path, format, args...))
}

func (p *parser) errorf(n *yaml.Node, path, format string, args ...any) {
	p.errorAtf(p.fileOf(n), n.Line, n.Column, path, format, args...)
}

func (p *parser) warnf(n *yaml.Node, path, format string, args ...any) {
	p.warnings = append(p.warnings, newError(p.fileOf(n), n.Line, n.Column, path, format, args...))
}

func newError(file string, line, column int, path, format string, args ...any) *Error {
	return &Error{
		File: file, Line: max(line, 1), Column: max(column, 1),
		Path: path, Message: fmt.Sprintf(format, args...),
	}
}
