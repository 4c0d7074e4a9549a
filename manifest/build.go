package manifest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/spanloom/spanloom/privacy"
)

// builder makes a manifest of a document without faults.
type builder struct {
	p   *parser
	doc map[string]any
	// by says which variables or flag gave the value at a path.
	by map[string]string
	// from has the paths of values that were made of the one at another.
	from map[string][]string
}

// build fills m. The order is the precedence: what SPANLOOM_ variables say
// replaces what the document says, what OTEL_ ones say fills gaps, and defaults
// fill the rest. Names of the structs' fields and of the schema's properties are
// the same, so JSON carries one to the other.
func (p *parser) build(doc any, env *environment, m *Manifest) error {
	b := &builder{p: p, by: map[string]string{}, from: map[string][]string{}}
	b.doc, _ = doc.(map[string]any)
	if version := b.doc["version"]; version == nil {
		b.doc["version"] = strconv.Itoa(major)
	}
	for _, s := range env.over {
		b.set(s)
	}
	if name, ok := at[any](b.doc, ofService["service.name"]...).(string); ok && name == "" {
		delete(at[map[string]any](b.doc, "telemetry", "service"), "name") // nobody is called ""
	}
	b.ratio(env)
	for _, s := range env.under {
		if !b.has(s.location) {
			b.set(s)
		}
	}
	b.backends(env)
	b.doc, _ = ownSchema().fill(b.doc).(map[string]any)
	b.paths()
	if env.disabled {
		b.set(said{[]string{"telemetry", "enabled"}, false, envDisabled})
	}
	if err := b.decode(m); err != nil {
		return err
	}
	redact, err := privacy.NewRedactor(m.Telemetry.Capture.Redact...)
	if err != nil {
		return fmt.Errorf("telemetry.capture.redact: %w", err)
	}
	p.handedOn(m, redact)
	m.redact = redactor(p.secrets)
	if m.redactor, err = privacy.NewRedactor(m.Telemetry.Capture.Redact...); err != nil {
		return fmt.Errorf("telemetry.capture.redact: %w", err)
	}
	for value, shown := range p.secrets {
		m.redactor.Add(value, shown)
	}
	b.cleanResource(m)
	b.warnNameless(m)
	m.settings = sync.OnceValue((&display{b, m, redact}).settings) // few programs ask
	return nil
}

func (b *builder) decode(m *Manifest) error {
	doc, err := typed(b.doc)
	if err != nil {
		return err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, m)
}

// has reports whether the document says something at a location.
func (b *builder) has(location []string) bool { return at[any](b.doc, location...) != nil }

func (b *builder) set(s said) {
	m := b.doc
	last := len(s.location) - 1
	for _, token := range s.location[:last] {
		child, ok := m[token].(map[string]any)
		if !ok {
			child = map[string]any{}
			m[token] = child
		}
		m = child
	}
	m[s.location[last]] = s.value
	b.by[joinTokens(s.location)] = s.by
}

// ratio decides between the ratios of the manifest, of the environment and of
// the mode.
func (b *builder) ratio(env *environment) {
	all := []string{"telemetry", "sampling", "ratio"}
	mode := at[string](b.doc, modePath...)
	ofMode := []string{"telemetry", "sampling", "by_mode", mode}
	_, sampler := env.under[joinTokens(all)]
	switch {
	case mode != "" && b.has(ofMode):
		b.from[joinTokens(all)] = ofMode
		b.set(said{location: all, value: at[any](b.doc, ofMode...)})
	case b.has(all) || sampler:
	case mode != "":
		filled := ownSchema().fill(map[string]any{})
		b.set(said{location: all, value: at[any](filled, ofMode...)})
	default:
		b.set(said{location: all, value: 1})
	}
}

// warnNameless warns of backends whose events are kept for a service without a name:
// programs keep them, and spanloom spool replay cannot say whose they are.
func (b *builder) warnNameless(m *Manifest) {
	if m.Telemetry.Service.Name != "" {
		return
	}
	for i, entry := range m.Telemetry.Backends {
		if entry.Delivery.Durable {
			pl := entryPlace(b.p, i, "delivery", "durable")
			b.p.warnf(pl.node, pl.path, "the service has no name, without which spanloom spool replay does not send what is kept; write telemetry.service.name, or set "+envService)
		}
	}
}

// backends names the backends and adds those of the environment.
func (b *builder) backends(env *environment) {
	entries := at[[]any](b.doc, backendsPath...)
	for i, entry := range entries {
		entry := entry.(map[string]any) //nolint:forcetypeassert // the schema has checked it
		name, field := nameOf(entry)
		entry["name"] = name
		if field == "command" {
			b.from[joinIndex("telemetry.backends", i)+".name"] = append(backendLocation(i), "command", "0")
		} else {
			b.from[joinIndex("telemetry.backends", i)+".name"] = append(backendLocation(i), field)
		}
	}
	add := func(plugin, by string) {
		i := len(entries)
		entries = append(entries, map[string]any{"plugin": plugin, "name": free(plugin, entries)})
		b.by[joinIndex("telemetry.backends", i)+".plugin"] = by
		b.from[joinIndex("telemetry.backends", i)+".name"] = append(backendLocation(i), "plugin")
	}
	has := func(plugin string) bool {
		return slices.ContainsFunc(entries, func(e any) bool { return at[string](e, "plugin") == plugin })
	}
	if b.p.none {
		if b.p.opts.Terminal {
			add("console", "")
		}
		if env.endpoint != "" {
			add("otlp", env.endpoint)
		}
	}
	if env.console && !has("console") {
		add("console", envConsole)
		if on, ok := at[any](b.doc, "telemetry", "enabled").(bool); ok && !on {
			b.p.warnEnv(envConsole, "has no effect: telemetry.enabled is false")
		}
	}
	if len(entries) > 0 {
		b.set(said{location: backendsPath, value: entries})
	}
}

func backendLocation(i int) []string {
	return []string{"telemetry", "backends", strconv.Itoa(i)}
}

// free is a name that none of the entries has.
func free(name string, entries []any) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(entries, func(e any) bool { return at[string](e, "name") == name })
	}
	for i, base := 2, name; taken(name); i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	return name
}

// paths makes the paths of the manifest absolute.
func (b *builder) paths() {
	dirs := []any{}
	for _, dir := range b.p.dirs(b.doc) {
		dirs = append(dirs, dir)
	}
	plugins := at[map[string]any](b.doc, "plugins")
	plugins["dirs"] = dirs
	plugins["lock"] = b.p.abs(at[string](plugins, "lock"))
	for _, entry := range at[[]any](b.doc, backendsPath...) {
		if command := at[[]any](entry, "command"); len(command) > 0 {
			for i, word := range command {
				if word, _ := word.(string); i == 0 || begins(word) {
					command[i] = b.p.abs(word)
				}
			}
		}
		b.p.tlsFiles(entry)
		if dir := at[string](entry, "delivery", "dir"); dir != "" {
			at[map[string]any](entry, "delivery")["dir"] = b.p.abs(dir)
		}
	}
}

// handedOn takes the secrets that backends get by their environment for values
// that no text may show. What is no secret by its name, such as HOME, is not.
func (p *parser) handedOn(m *Manifest, redact *privacy.Redactor) {
	for _, b := range m.Telemetry.Backends {
		for _, name := range b.Env {
			if value := p.variable(name); value != "" && redact.Key(name) {
				p.secrets[value] = "${env:" + name + "}"
			}
		}
	}
}

// cleanResource hides secrets in what OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME
// say: nobody has looked at these with telemetry in mind, as who writes a manifest has.
func (b *builder) cleanResource(m *Manifest) {
	for key, value := range m.Telemetry.Attributes {
		if b.by[joinTokens([]string{"telemetry", "attributes", key})] == envResource {
			m.Telemetry.Attributes[key] = m.redactor.Value(key, value)
		}
	}
	for field, value := range map[string]*string{
		"name": &m.Telemetry.Service.Name, "version": &m.Telemetry.Service.Version, "namespace": &m.Telemetry.Service.Namespace,
	} {
		if by := b.by[joinTokens([]string{"telemetry", "service", field})]; by == envResource || by == envService {
			*value = m.redactor.Text(*value)
		}
	}
}
