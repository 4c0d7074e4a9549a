package rules

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const root = "../.."

// The frame that the project promises: what stands at the top level, and the
// libraries that the root module requires by itself.
var (
	topLevel = []string{
		"go.mod", "engine/", "callbacks/", "plugins/console/", "plugins/jaeger/", "plugins/otlp/",
		"propagation/", "examples/", "docs/",
	}
	required = []string{
		"github.com/hashicorp/go-plugin", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/sdk/metric",
		"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc",
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
