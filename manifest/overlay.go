package manifest

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// overlayOf is the name of the file that lies over a manifest in a mode:
// spanloom.prod.yaml over spanloom.yaml.
func overlayOf(path, mode string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "." + mode + ext
}

// readOverlay reads the file that lies over the manifest at path, if there is one.
func readOverlay(path string) func(mode string) (source, bool, error) {
	return func(mode string) (source, bool, error) {
		file := overlayOf(path, mode)
		data, err := read(file)
		if errors.Is(err, fs.ErrNotExist) {
			return source{}, false, nil
		}
		return source{file: file, data: data}, err == nil, err
	}
}

var modePath = []string{"telemetry", "service", "mode"}

// mode is the mode that the environment or the file says, or "".
func (p *parser) mode(env *environment) string {
	if mode, ok := env.over[joinTokens(modePath)]; ok {
		word, _ := mode.value.(string)
		return word
	}
	pl := p.locate(p.root, "", modePath)
	if !pl.found || pl.node.Kind != yaml.ScalarNode || p.broken[pl.node] {
		return ""
	}
	p.substitute(pl.node, pl.path)
	if p.broken[pl.node] || !slices.Contains(ownSchema().words(modePath), pl.node.Value) {
		return "" // the schema says so
	}
	return pl.node.Value
}

// overlay lays the file for a mode, if there is one, over the document and
// returns its name.
func (p *parser) overlay(mode string, read func(mode string) (source, bool, error)) (string, error) {
	src, ok, err := read(mode)
	if !ok {
		return "", err
	}
	top := p.load(src, "")
	if top == nil {
		return src.file, nil
	}
	if pl := p.locate(top, "", modePath); pl.found && pl.node.Value != mode {
		p.errorf(pl.node, pl.path, "this file is for mode %q; remove the key", mode)
	}
	p.root = p.merge(p.root, top, nil)
	return src.file, nil
}
