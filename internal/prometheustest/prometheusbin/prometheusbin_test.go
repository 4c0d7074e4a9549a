package prometheusbin

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSourceHasNoDiscovery(t *testing.T) {
	module, dir := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module m", "plugins/plugins.go": "package plugins\nimport _ \"cloud\"", "plugins/minimum.go": "package plugins",
		"web/ui/react-app/big.js": "x", "web/ui/ui.go": "package ui", "tsdb/testdata/block": "x",
	} {
		path := filepath.Join(module, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o400); err != nil { // as in a module cache
			t.Fatal(err)
		}
	}
	if err := withoutDiscovery(module, dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"go.mod": "module m", "plugins/plugins.go": "package plugins\n", "plugins/minimum.go": "",
		"web/ui/react-app/big.js": "", "web/ui/ui.go": "package ui", "tsdb/testdata/block": "",
	} {
		if got, _ := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); string(got) != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
