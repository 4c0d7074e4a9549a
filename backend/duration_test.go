package backend_test

import (
	"context"
	"strings"
	"testing"

	"github.com/spanloom/spanloom/backend"
	"github.com/spanloom/spanloom/manifest"
)

// TestDurationsInAManifest are asked for in words, not by the pattern in its schema.
func TestDurationsInAManifest(t *testing.T) {
	t.Parallel()
	type config struct {
		Wait backend.Duration `json:"wait"`
	}
	schema := backend.New("mine", config{}, func(context.Context, backend.Config, config) (backend.Instance, error) { return nil, nil }).Schema
	for value, want := range map[string]string{
		"soon": `must be written like "3s", "500ms" or "1m30s"`,
		"-3s":  `must be written like "3s", "500ms" or "1m30s"`,
		"5":    `expected a string, got a number; write it like "3s", "500ms" or "1m30s"`,
		"0s":   "",
		"1h":   "",
	} {
		m, err := manifest.Parse("m.yaml", []byte("version: \"1\"\ntelemetry:\n  backends:\n    - command: [/bin/mine]\n      config: { wait: "+value+" }\n"), manifest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := m.CheckConfig(0, schema); err != nil {
			got = strings.TrimPrefix(err.Error(), "m.yaml:5:23: telemetry.backends[0].config.wait: ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}
