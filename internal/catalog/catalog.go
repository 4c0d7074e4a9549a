// Package catalog knows which backends there are, built in or in the directories
// of a manifest, and checks manifests against them.
package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/plugins/console"
	"github.com/spanloom/spanloom/plugins/jaeger"
	"github.com/spanloom/spanloom/plugins/otlp"
)

// BuiltIn returns the backends that are part of every program, by name.
func BuiltIn() []backend.Backend {
	return []backend.Backend{console.New(), jaeger.New(), otlp.New()}
}

// Lookup returns the built-in backend of that name.
func Lookup(name string) (backend.Backend, bool) {
	for _, b := range BuiltIn() {
		if b.Name == name {
			return b, true
		}
	}
	return backend.Backend{}, false
}

// File is a backend that is a file of its own.
type File struct{ Name, Path string }

const prefix = "spanloom-backend-"

// Find returns the backends in dirs, sorted by name. Of two with the same name
// the one in the earlier directory counts. Directories that are not there, or
// cannot be read, have none.
func Find(dirs []string) []File {
	var files []File
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".exe"), prefix)
			if !ok || name == "" || e.IsDir() || slices.ContainsFunc(files, func(f File) bool { return f.Name == name }) {
				continue
			}
			files = append(files, File{name, filepath.Join(dir, e.Name())})
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// PathOf returns the file of the backend of that name in dirs, or "".
func PathOf(name string, dirs []string) string {
	for _, f := range Find(dirs) {
		if f.Name == name {
			return f.Path
		}
	}
	return ""
}

// Load finds the manifest as [manifest.Find] does and checks it against the
// backends that there are. Where there is none it is [manifest.Defaults], whose
// File is empty. It starts nothing.
func Load(path string, embedded []byte, o manifest.Options) (*manifest.Manifest, error) {
	o.Backends = known
	m, err := manifest.Find(path, embedded, o)
	if err == nil && m == nil {
		m, err = manifest.Defaults(o)
	}
	if err != nil {
		return nil, err
	}
	if faults := check(m); len(faults) > 0 {
		return nil, faults
	}
	return m, nil
}

// known lists what a manifest may name. Built-in backends win over files.
func known(dirs []string) []manifest.KnownBackend {
	var list []manifest.KnownBackend
	for _, b := range BuiltIn() {
		list = append(list, manifest.KnownBackend{Name: b.Name, Schema: b.Schema, Check: checkOf(b)})
	}
	for _, f := range Find(dirs) {
		if _, ok := Lookup(f.Name); !ok {
			list = append(list, manifest.KnownBackend{Name: f.Name})
		}
	}
	return list
}

// check finds the mistakes in configs that no schema can see, in a manifest without
// others.
func check(m *manifest.Manifest) manifest.Errors {
	var faults manifest.Errors
	for i, entry := range m.Telemetry.Backends {
		if entry.Address != "" {
			if bad, ok := errors.AsType[*TLSError](tlsFault(&entry)); ok {
				faults = append(faults, m.Errorf(Path(i)+".tls."+bad.Key, "%s", m.Redact(bad.Error())))
			}
		}
		b, ok := Lookup(entry.Plugin)
		if !ok || b.Check == nil {
			continue
		}
		for _, mistake := range checkOf(b)(entry.Name, entry.Config) {
			faults = append(faults, m.Errorf(ConfigPath(i, mistake.Key), "%s", m.Redact(mistake.Message)))
		}
	}
	return faults
}

func tlsFault(b *manifest.Backend) error {
	_, err := TLS(b)
	return err
}

// checkOf returns how a backend finds mistakes in a config; nil when it does not.
func checkOf(b backend.Backend) func(name string, config []byte) []manifest.ConfigMistake {
	if b.Check == nil {
		return nil
	}
	return func(name string, config []byte) (list []manifest.ConfigMistake) {
		err := b.Check(backend.Config{Name: name, JSON: config})
		if err == nil {
			return nil
		}
		mistakes := backend.AsConfigErrors(err)
		if len(mistakes) == 0 {
			return []manifest.ConfigMistake{{Message: err.Error()}}
		}
		for _, m := range mistakes {
			list = append(list, manifest.ConfigMistake{Key: m.Key, Message: m.Message})
		}
		return list
	}
}

// Path returns the path of the i-th backend in a manifest.
func Path(i int) string { return fmt.Sprintf("telemetry.backends[%d]", i) }

// ConfigPath returns the path of a key in the config of the i-th backend.
func ConfigPath(i int, key string) string {
	if key == "" {
		return Path(i) + ".config"
	}
	return Path(i) + ".config." + key
}
