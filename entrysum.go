package spanloom

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spanloom/spanloom/internal/catalog"
	"github.com/spanloom/spanloom/manifest"
	"github.com/spanloom/spanloom/pluginhost"
)

// sumOf returns a text that differs when a backend has to be another: by its entry, what
// it is told of traces and captured values, its variables, its files, or what the lock
// file allows.
func sumOf(m *manifest.Manifest, b manifest.Backend, s *pluginhost.Spec, allowed string) string {
	b.Required = false // which is of no matter once it has started
	paths := []string{b.TLS.CA, b.TLS.Cert, b.TLS.Key}
	paths = append(paths, b.Command...)
	if _, ok := catalog.Lookup(b.Plugin); !ok && b.Plugin != "" {
		paths = append(paths, catalog.PathOf(b.Plugin, m.Plugins.Dirs))
	}
	var files []string
	for _, path := range paths {
		file, err := filepath.EvalSymlinks(path)
		if !filepath.IsAbs(path) || err != nil {
			continue
		}
		if info, err := os.Stat(file); err == nil {
			files = append(files, fmt.Sprint(file, info.Size(), info.ModTime().UnixNano()))
		}
	}
	text, err := json.Marshal([]any{b, m.Telemetry.Capture, s.Tracing, s.Unsampled, slices.Sorted(slices.Values(s.Env)), files, allowed})
	if err != nil { // does not happen: all of it was JSON
		return ""
	}
	return string(text)
}
