// Package prometheusbin says where the Prometheus binary of the tests is kept and
// builds it there, apart from prometheustest as jaegerbin is from jaegertest.
package prometheusbin

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spanloom/spanloom/internal/serverbin"
)

// Version is the release the tests run against: 3.7.3, whose module has another
// number.
const Version = "v0.307.3"

var binary = serverbin.Binary{
	Name: "Prometheus", File: "prometheus", Variable: "SPANLOOM_PROMETHEUS",
	Module: "github.com/prometheus/prometheus", Version: Version, Package: "./cmd/prometheus",
	Source: withoutDiscovery,
}

// Path returns where the binary belongs, whether or not it is there:
// $SPANLOOM_PROMETHEUS, else a file named after the version in $SPANLOOM_CACHE,
// else the same in the user's cache directory.
func Path() (string, error) { return binary.Path() } //nolint:wrapcheck // it says all

// Build makes the binary if it is missing and returns its path.
func Build(ctx context.Context) (string, error) { return binary.Build(ctx) } //nolint:wrapcheck // it says all

// withoutDiscovery copies the module, without its web pages, and without the
// packages that find targets in clouds: those bring hundreds of megabytes of
// clients that no test needs. The list of them is Prometheus' own way to leave
// some out (plugins.yml in its tree).
func withoutDiscovery(module, dir string) error {
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(module, path)
		if err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		to := filepath.Join(dir, rel)
		switch {
		case entry.IsDir() && (strings.HasSuffix(rel, "/node_modules") || entry.Name() == "testdata" ||
			rel == filepath.Join("web", "ui", "mantine-ui") || rel == filepath.Join("web", "ui", "react-app")):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(to, 0o750)
		case filepath.Dir(rel) == "plugins":
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		return os.WriteFile(to, data, 0o600)
	})
	if err != nil {
		return err //nolint:wrapcheck // it says all
	}
	return os.WriteFile(filepath.Join(dir, "plugins", "plugins.go"), []byte("package plugins\n"), 0o600)
}
