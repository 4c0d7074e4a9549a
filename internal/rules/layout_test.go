package rules

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// The frame that the project promises: what stands at the top level, and the
// libraries that the root module requires by itself.
var (
	topLevel = []string{
		"go.mod", "engine/", "callbacks/", "plugins/console/", "plugins/jaeger/", "plugins/otlp/",
		"propagation/", "metrics/", "examples/", "docs/",
	}
	required = []string{
		"github.com/hashicorp/go-plugin", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/sdk/metric",
		"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc", "github.com/samber/slog-otel",
	}
)

func TestTopLevel(t *testing.T) {
	for _, name := range topLevel {
		info, err := os.Stat(filepath.Join(root, name))
		switch isDir := name[len(name)-1] == '/'; {
		case err != nil:
			t.Errorf("%s is missing: %v", name, err)
		case info.IsDir() != isDir:
			t.Errorf("%s: is a directory: %v, want %v", name, info.IsDir(), isDir)
		}
	}
}

func TestDirectRequirements(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	text := goTool(t, "mod", "edit", "-json", filepath.Join(root, "go.mod"))
	if err := json.Unmarshal([]byte(text), &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	for _, path := range required {
		if !slices.Contains(direct, path) {
			t.Errorf("go.mod does not require %s directly", path)
		}
	}
}

// reserved are the names that a module may not have in it, whatever follows a dot: those
// of devices on Windows.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)|[<>:"|?*\\]`)

// TestNamesOfFiles: a module with such a file could not be installed by version.
func TestNamesOfFiles(t *testing.T) {
	for name, bad := range map[string]bool{"nul": true, "NUL.yaml": true, "a:b": true, "null": false, "a.nul": false} {
		if reserved.MatchString(name) != bad {
			t.Errorf("%s is reserved: %v", name, !bad)
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != root && strings.HasPrefix(d.Name(), ".") && d.IsDir() && !strings.Contains(path, "template") {
			return fs.SkipDir
		}
		if reserved.MatchString(d.Name()) {
			t.Errorf("%s has a name that no module may have", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
