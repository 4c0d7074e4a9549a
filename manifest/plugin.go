package manifest

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// defaultDir is where backends are installed beside a manifest.
const defaultDir = "./.spanloom/backends"

// dirs are the absolute plugin directories of a document.
func (p *parser) dirs(doc any) []string {
	written, ok := at[any](doc, "plugins", "dirs").([]any)
	if !ok {
		written = []any{defaultDir}
	}
	dirs := make([]string, 0, len(written))
	for _, dir := range written {
		if dir, ok := dir.(string); ok && dir != "" {
			dirs = append(dirs, p.abs(dir))
		}
	}
	return dirs
}

// abs resolves a path of the manifest.
func (p *parser) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.base, path)
}

// checkPlugin checks the name of a plugin and the config it gets.
func (p *parser) checkPlugin(i int, entry map[string]any, catalogue map[string]KnownBackend) {
	name := at[string](entry, "plugin")
	pl := entryPlace(p, i, "plugin")
	if !nameForm.MatchString(name) {
		return
	}
	known, ok := catalogue[name]
	if !ok {
		names := slices.Collect(maps.Keys(catalogue))
		hint := ""
		// What a value is near to says what the value is.
		if _, secret := p.written[pl.node]; !secret {
			hint = didYouMean(name, names)
		}
		if hint == "" {
			hint = ";"
		}
		available := "none"
		if len(names) > 0 {
			available = listed(names)
		}
		p.errorf(pl.node, pl.path, "no backend %q%s available: %s", p.shown(pl.node), hint, available)
		return
	}
	before := len(p.errs)
	if len(known.Schema) > 0 {
		p.checkConfig(i, entry, known, pl)
	}
	if known.Check != nil && len(p.errs) == before && !p.anyBroken(entryPlace(p, i).node) {
		p.checks = append(p.checks, func() { p.askBackend(i, entry, known) })
	}
}

// askBackend tells the mistakes that a backend finds in its config.
func (p *parser) askBackend(i int, entry map[string]any, known KnownBackend) {
	config, ok := entry["config"]
	if !ok {
		config = map[string]any{}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return
	}
	name, _ := nameOf(entry)
	redact := redactor(p.secrets)
	for _, mistake := range known.Check(name, text) {
		path := joinIndex("telemetry.backends", i) + ".config"
		if mistake.Key != "" {
			path += "." + mistake.Key
		}
		message := mistake.Message
		if redact != nil {
			message = redact.Replace(message)
		}
		p.errorf(nearest(p.root, path), path, "%s", message)
	}
}

// checkConfig checks a config against its backend's schema. A schema that is
// itself at fault is a warning: the user cannot fix it, and the backend
// refuses a bad config at its start.
func (p *parser) checkConfig(i int, entry map[string]any, known KnownBackend, plugin place) {
	config, ok := entry["config"]
	if !ok {
		config = map[string]any{}
	}
	if _, ok := config.(map[string]any); !ok {
		return
	}
	pl := entryPlace(p, i, "config")
	s, err := compileSchema(known.Schema)
	if err == nil {
		err = p.checkSchema(s, config, pl.node, pl.path)
	}
	if err != nil {
		p.warnf(plugin.node, plugin.path, "the config of backend %q is not checked: its schema is invalid: %s", p.shown(plugin.node), oneLine(err))
	}
}

// oneLine says why a schema does not compile. The library's own text for one
// that the metaschema refuses is a page long.
func oneLine(err error) string {
	var invalid *jsonschema.ValidationError
	var refused *jsonschema.SchemaValidationError
	if errors.As(err, &refused) && errors.As(refused.Err, &invalid) {
		for len(invalid.Causes) > 0 {
			invalid = invalid.Causes[0]
		}
		return "it is not a JSON schema at /" + clip(strings.Join(invalid.InstanceLocation, "/"))
	}
	text := []rune(strings.Join(strings.Fields(err.Error()), " "))
	return string(text[:min(len(text), 200)])
}
