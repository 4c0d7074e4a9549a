package manifest

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// prefix of the programs in plugin directories.
const prefix = "spanloom-backend-"

func entryPlace(p *parser, i int, field ...string) place {
	location := append([]string{"telemetry", "backends", fmt.Sprint(i)}, field...)
	return p.locate(p.root, "", location)
}

// checkBackends checks what the schema cannot say of telemetry.backends.
func (p *parser) checkBackends(doc any) {
	entries := at[[]any](doc, "telemetry", "backends")
	used := map[string]int{}
	catalogue := p.catalogue(doc, entries)
	for i, item := range entries {
		entry, ok := item.(map[string]any)
		if !ok {
			continue
		}
		p.checkEither(i, entry)
		p.checkCommand(i, entry)
		p.checkAddress(i, entry)
		p.checkEnv(doc, i)
		p.checkDelivery(doc, i, entry)
		p.checkOverflow(i, entry)
		p.checkName(i, entry, used)
		if catalogue != nil {
			p.checkPlugin(i, entry, catalogue)
		}
	}
}

func (p *parser) checkEither(i int, entry map[string]any) {
	var said []place
	var names []string
	for _, field := range []string{"plugin", "command", "address"} {
		if _, ok := entry[field]; ok {
			said = append(said, entryPlace(p, i, field))
			names = append(names, field)
		}
	}
	switch {
	case len(said) == 0:
		pl := entryPlace(p, i)
		p.errorf(pl.node, pl.path, "needs a plugin (a name), a command (a path) or an address (host:port)")
	case len(said) > 1:
		last := slices.MaxFunc(said, func(a, b place) int {
			return cmp.Or(cmp.Compare(a.key.Line, b.key.Line), cmp.Compare(a.key.Column, b.key.Column))
		})
		p.errorf(last.key, last.path, "%s exclude each other; keep one", strings.Join(names, " and "))
	}
}

func (p *parser) checkCommand(i int, entry map[string]any) {
	command := at[[]any](entry, "command")
	if len(command) == 0 {
		return
	}
	program, ok := command[0].(string)
	pl := entryPlace(p, i, "command", "0")
	switch {
	case !ok || p.broken[pl.node]:
	case program == "":
		p.errorf(pl.node, pl.path, "must not be empty; write the path of a program, such as ./bin/backend")
	case !isPath(program):
		shown := p.shown(pl.node)
		p.errorf(pl.node, pl.path, "%q is not a path and PATH is never searched; write %q, relative to the manifest, or an absolute path", shown, "./"+shown)
	}
}

// checkDelivery keeps what telemetry says, which others may have a hand in, from where
// programs are found.
func (p *parser) checkDelivery(doc any, i int, entry map[string]any) {
	dir := at[string](entry, "delivery", "dir")
	pl := entryPlace(p, i, "delivery", "dir")
	if dir == "" || p.broken[pl.node] {
		return
	}
	for _, plugins := range p.dirs(doc) {
		if rel, err := filepath.Rel(plugins, p.abs(dir)); err == nil && filepath.IsLocal(rel) {
			p.errorf(pl.node, pl.path, "%q is in plugins.dirs, where only programs belong; choose another directory", p.shown(pl.node))
			return
		}
	}
}

// checkOverflow refuses a rule that would not hold.
func (p *parser) checkOverflow(i int, entry map[string]any) {
	if at[string](entry, "queue", "overflow") != "drop_oldest" || !at[bool](entry, "delivery", "durable") {
		return
	}
	pl := entryPlace(p, i, "queue", "overflow")
	p.errorf(pl.node, pl.path, "drop_oldest excludes delivery.durable, which keeps what it has accepted; remove one of them")
}

// isPath reports whether a program is named in a way that no search path can
// change.
func isPath(program string) bool { return filepath.IsAbs(program) || begins(program) }

// begins reports whether a word begins at the directory of the manifest.
func begins(word string) bool {
	slashed := filepath.ToSlash(word)
	return strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../")
}

// nameOf is the name of an entry and the field that it came from.
func nameOf(entry map[string]any) (name, field string) {
	if _, ok := entry["name"]; ok {
		return at[string](entry, "name"), "name"
	}
	if _, ok := entry["plugin"]; ok {
		return at[string](entry, "plugin"), "plugin"
	}
	if _, ok := entry["address"]; ok {
		return "", "address"
	}
	command := at[[]any](entry, "command")
	if len(command) == 0 {
		return "", ""
	}
	program, _ := command[0].(string)
	if program == "" {
		return "", ""
	}
	base := filepath.Base(program)
	if runtime.GOOS == "windows" {
		base = strings.TrimSuffix(base, ".exe")
	}
	return strings.TrimPrefix(base, prefix), "command"
}

func (p *parser) checkName(i int, entry map[string]any, used map[string]int) {
	name, field := nameOf(entry)
	if field == "address" {
		pl := entryPlace(p, i)
		p.errorf(pl.node, joinKey(pl.path, "name"), "a backend at an address needs a name; write name: remote")
	}
	if field == "" || name == "" {
		return
	}
	pl := entryPlace(p, i, field)
	if !nameForm.MatchString(name) {
		// The schema reports the other fields, checkCommand a bare name.
		if field == "command" && isPath(at[[]any](entry, "command")[0].(string)) { //nolint:forcetypeassert // the schema has checked it
			p.errorf(pl.node, pl.path, "the program's name cannot name the backend; give this backend a name")
		}
		return
	}
	if before, ok := used[name]; ok {
		p.errorf(pl.node, pl.path, "the name is already that of %s; give this backend another name", entryPlace(p, before).path)
		return
	}
	used[name] = i
}

// catalogue asks for the known backends when an entry names one.
func (p *parser) catalogue(doc any, entries []any) map[string]KnownBackend {
	names := slices.ContainsFunc(entries, func(item any) bool { return at[string](item, "plugin") != "" })
	if p.opts.Backends == nil || !names {
		return nil
	}
	known := map[string]KnownBackend{}
	for _, b := range p.opts.Backends(p.dirs(doc)) {
		if _, ok := known[b.Name]; !ok {
			known[b.Name] = b
		}
	}
	return known
}
